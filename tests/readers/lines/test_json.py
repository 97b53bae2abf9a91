from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.readers import open_reader, recognise
from prune.readers.lines import array_records, json_text
from prune.readers.lines.array_records import records_of
from prune.readers.lines.json_shape import shape_of
from prune.readers.scan import scan
from prune.store import Dataset

GOOD = [
    {"text": 'a "quoted" ] } , [ {', "n": [1, {"a": None}]},
    {"text": "\\", "é": "ü"},
    {"text": "\u2028 😀"},
]


class Held:
    """Bytes as a file gives them, a few at a time."""

    def __init__(self, data: bytes, most: int = 1 << 30) -> None:
        self.data, self.most = data, most

    def read(self, start: int, size: int) -> bytes:
        return self.data[start : start + min(size, self.most)]


def scanned(path: Path, **options: Any) -> Dataset:
    return scan(open_reader(str(path), **options), path.parent / "scans", SILENT, keep=False)


@pytest.mark.parametrize("most", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("before", ["", "\ufeff", ' \n{"version": {"x": [1]}, "data":'])
def test_every_record_lies_where_it_is_said_to(before: str, indent: int, ascii: bool, most: int) -> None:
    behind = ', "more": {"}": [1]}}\n' if "{" in before else " \n"
    data = (before + json.dumps(GOOD, ensure_ascii=ascii, indent=indent) + behind).encode()
    found = list(records_of(Held(data, most)))
    assert [record.value for record in found] == GOOD
    assert [record.problem for record in found] == [None] * 3
    assert [json.loads(data[r.start : r.start + r.size]) for r in found] == GOOD


@pytest.mark.parametrize("most", [1, 1 << 20])
@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (b'[{"a": tru}, {}]', ["not JSON, from byte 1 on", None]),
        (b'[{"a": 1}}, {}]', ["not JSON, from byte 1 on", None]),
        (b"[{} {}, {}]", ["not JSON, from byte 1 on", None]),
        (b"[{},,{}]", [None, "no record before the comma at byte 4", None]),
        (b"[{}, , {}]", [None, "no record before the comma at byte 5", None]),
        (b"[{},]", [None]),
        (b'[{"a": "\xff"}, {}]', ["the record at byte 1 is not UTF-8", None]),
        (b'[{"a": "\xff}, {}]', ["ends within the record that begins at byte 1"]),
        (b'[{}, {"a": "b\\', [None, "ends within the record that begins at byte 5"]),
        (b"[{}, ", [None, "ends at byte 5, before its array does"]),
        (b"[{},{}", [None, "ends within the record that begins at byte 4"]),
        (b'{"data": [{}]', [None, "ends at byte 13, unclosed"]),
        (b"[{}] {}", [None, "stands behind the array, at byte 5"]),
        (b'{"data": {}}', ["holds no array"]),
        (b"[]", []),
    ],
)
def test_what_is_broken_says_where(data: bytes, problems: list[str | None], most: int) -> None:
    found = [record.problem for record in records_of(Held(data, most))]
    assert len(found) == len(problems)
    for problem, expected in zip(found, problems, strict=True):
        assert problem is None if expected is None else expected in (problem or "")


@pytest.mark.parametrize(
    "end", ["", ", ", ', {"text": "y', ', {"text": "y"}', ', {"text": "%s' % ("y" * 5000)]
)
@pytest.mark.parametrize("before", ["[", '{"data": ['])
def test_a_file_that_is_cut_short_is_an_error(
    before: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many records are lost, nobody knows: it is no matter of one that is left out."""
    monkeypatch.setattr(array_records, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(array_records, "STEP", 100)
    path = tmp_path / "a.json"
    path.write_text(f'{before}{{"text": "x"}}{end}')
    with pytest.raises(DataError, match=r"a\.json is cut short: the (file ends|record at byte \d+ is over)"):
        scanned(path)


def test_long_and_deep_records_are_passed_over_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_records, "MAX_LINE_BYTES", 100_000)
    monkeypatch.setattr(array_records, "STEP", 1000)
    deep = b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    long = b'{"a": "' + rb"\"]" * 100_000 + b'"}'
    data = b"[" + b", ".join((deep, b'{"b": 1}', long, b'{"c": 1}')) + b"]"
    most = 0
    kept = json_text.JsonText.more

    def measured(self: json_text.JsonText, size: int) -> bool:
        nonlocal most
        more = kept(self, size)
        most = max(most, len(self.held))
        return more

    monkeypatch.setattr(json_text.JsonText, "more", measured)
    found = list(records_of(Held(data)))
    assert [record.value for record in found] == [None, {"b": 1}, None, {"c": 1}]
    assert "nested too deep, from byte 1 on" in (found[0].problem or "")
    assert "is over 100,000 bytes" in (found[2].problem or "")
    assert [found[2].start, found[2].size] == [data.index(long), len(long)]
    assert most < 2 * 100_000


def test_keys_are_ids_or_the_number_of_the_record(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"text": "x", "label": 1}, 3, {"text": "y"}, {}]')
    dataset = scanned(tmp_path / "a.json")
    assert dataset.keys == [f"a.json:{number}" for number in range(1, 5)]
    assert {row: reject for row, reject in dataset.rejects.items() if row != 1}.keys() == {3}
    assert dataset.rejects[1] == "the record is a JSON int, not an object"
    (tmp_path / "a.json").write_text('[{"text": "x", "id": "u"}, {"text": "y", "id": 7}]')
    assert scanned(tmp_path / "a.json").keys == ["u", "7"]


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ('[{"text": "x"}]', "array"),
        (' {"version": [1], "data" : [ {"text": "x"}]}', "array"),
        ('{"text": "x"}\n\n{"text": "y"}\n', "lines"),
        ('{"text": "x"}', None),
        ('{"text": "x"} {"text": "y"}', None),
        ('{"images": [{"id": 1}]}', None),
        ("[1, 2]", None),
        ('{"a": ' + "[" * 10_000, None),
        ("", None),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_the_first_bytes_say_what_a_file_holds(content: str, shape: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.json{suffix}"
    path.write_bytes(gzip.compress(content.encode()) if suffix else content.encode())
    assert shape_of(path) == shape
    if shape is not None:
        expected = {"array": "json", "lines": "jsonl"}[shape]
        assert recognise(str(path)) == recognise(str(tmp_path / f"*.json{suffix}")) == expected
    elif not suffix:
        with pytest.raises(DataError, match="holds no dataset that prune knows"):
            recognise(str(path))


def test_files_without_an_array_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.json").write_text('[{"text": "x"}]')
    (tmp_path / "d/config.json").write_text('{"text": "x"}')
    (tmp_path / "d/README.txt").write_text("about")
    assert scanned(tmp_path / "d").keys == ["a.json:1"]


def test_what_changed_since_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"text": "x"}, {"text": "y"}]')
    dataset = scanned(path)
    reader = open_reader(str(path))
    assert list(reader.payloads(dataset.samples)) == ["x", "y"]
    path.write_text('[{"text": "x" }, {"text": "y"}]')
    with pytest.raises(DataError, match="no longer as it was: the record is not JSON"):
        list(reader.payloads(dataset.samples))
