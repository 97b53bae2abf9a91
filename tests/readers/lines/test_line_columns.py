"""Lines that are looked at together give the rows that each gives alone."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from prune.modalities.text import lines
from prune.readers import open_reader
from prune.readers.lines import line_columns, raw_columns, txt
from prune.readers.lines.jsonl import JsonLines

_JSON = [
    b'{"text": "a", "id": 1}',
    b'{"text": "b", "label": "x"}',
    b'{"text": "c", "label": 2.5}',
    b"{",
    b"[]",
]
_PLAIN = [b"one", b"two\0", b"tw\xc3\xb6", b"\xff", b"a line that is longer than any other"]
_EITHER = [b"", b"  ", b"\r", b"\t\r"]


def _rows(path: Path) -> list[dict[str, Any]]:
    reader = open_reader(str(path))
    return [row for unit in reader.units() for row in reader.scan(unit).to_pylist()]


def _nothing(*_: object, **__: object) -> None:
    """Know nothing of several lines at once."""


@pytest.mark.parametrize("some", [1, 3, 128])
@pytest.mark.parametrize(("name", "kinds"), [("a.jsonl", _JSON), ("a.txt", _PLAIN)])
def test_rows_do_not_depend_on_what_is_looked_at_together(
    name: str, kinds: list[bytes], some: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(0)
    held = [draw.choice(kinds + _EITHER) + draw.choice([b"", b"\r"]) for _ in range(300)]
    held[150:150] = _EITHER * 40  # more than are read at once
    data = b"\xef\xbb\xbf" + kinds[0] + b"\n" + b"\n".join(held)
    (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 30)
    monkeypatch.setattr(lines, "_READ", 100)
    monkeypatch.setattr(line_columns, "_LINES", some)
    monkeypatch.setattr(raw_columns, "_BLOCK", 7)
    together = _rows(tmp_path / name)
    monkeypatch.setattr(JsonLines, "_known", _nothing)
    monkeypatch.setattr(txt, "_known", _nothing)
    assert together == _rows(tmp_path / name)
    sound = [row for row in together if row["reason"] is None]
    assert 0 < len(sound) < len(together) < 461
    raw = {row["index"]: data[row["offset"] : row["offset"] + row["size"]] for row in together}
    assert raw == {
        n: line for n, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1) if line.strip()
    }


def test_labels_that_are_equal_numbers_stay_apart(tmp_path: Path) -> None:
    held = [b"1", b"true", b"1.0", b'"1"', b"null", b"0", b"false"]
    (tmp_path / "a.jsonl").write_bytes(b"".join(b'{"text": "a", "label": %s}\n' % label for label in held))
    assert [row["label"] for row in _rows(tmp_path / "a.jsonl")] == [
        "1",
        "true",
        "1",
        "1",
        None,
        "0",
        "false",
    ]
