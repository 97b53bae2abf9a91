from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.lines import containers, records
from prune.readers.lines.containers import FileContent, HashedContent
from prune.readers.lines.records import LineRecords
from prune.readers.scan import scan
from prune.store import Dataset
from prune.system import files


def zstd(data: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data).to_pybytes()
    return packed


PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstd}
LINES = [json.dumps({"text": f"text {row} ü", "label": row % 3}).encode() for row in range(200)]
DATA = b"".join(line + b"\n" for line in LINES)


def write(path: Path, suffix: str, *parts: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.with_name(path.name + suffix)
    place.write_bytes(b"".join(PACK[suffix](part) for part in parts))
    return place


def scanned(path: Path) -> Dataset:
    return scan(open_reader(str(path)), path.parent / "scans", SILENT, keep=False)


@pytest.mark.parametrize("suffix", PACK)
def test_samples_do_not_depend_on_the_container(suffix: str, tmp_path: Path) -> None:
    plain = scanned(write(tmp_path / "a.jsonl", "", DATA)).samples
    path = write(tmp_path / "a.jsonl", suffix, DATA[:999], DATA[999:])
    found = scanned(path)
    assert found.samples.drop_columns(["key", "shard"]).equals(plain.drop_columns(["key", "shard"]))
    assert found.keys[7] == f"a.jsonl{suffix}:8"
    assert found.sources == {f"a.jsonl{suffix}": files.sha256(path)}


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("rows", [1, 7, 1 << 16])
def test_rows_in_any_order_are_the_records_byte_for_byte(
    suffix: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_ROWS", rows)
    monkeypatch.setattr(records, "_BYTES", 500)
    monkeypatch.setattr(containers, "_STEP", 64)
    for part in range(2):
        write(tmp_path / "d" / f"{part}.jsonl", suffix, DATA)
    dataset = scanned(tmp_path / "d")
    reader = open_reader(str(tmp_path / "d"))
    order = list(range(400))
    random.Random(0).shuffle(order)
    for wanted in (order, sorted(order), order[:1]):
        samples = dataset.samples.take(pa.array(wanted))
        lines: LineRecords = reader  # type: ignore[assignment]
        assert list(lines.records(samples)) == [LINES[row % 200] for row in wanted]
        assert list(reader.payloads(samples)) == [f"text {row % 200} ü" for row in wanted]


def test_sorted_rows_are_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl", ".gz", DATA)
    samples = scanned(path).samples
    opened = []
    start = containers._Unpacked.__init__
    monkeypatch.setattr(
        containers._Unpacked, "__init__", lambda self, *args: (opened.append(1), start(self, *args))[1]
    )
    monkeypatch.setattr(records, "_ROWS", 16)
    assert len(list(open_reader(str(path)).payloads(samples))) == 200
    assert len(opened) == 1


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_nothing_is_held_of_a_file_that_was_read(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", suffix, DATA)
    before = pa.total_allocated_bytes()
    for _ in range(3):
        with HashedContent(path) as content:
            assert content.read(0, 100) == DATA[:100]
        with FileContent(path) as content:
            assert content.read(500, 100) == DATA[500:600]
            assert content.read(0, 100) == DATA[:100]
        del content
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "trailing", "plain"])
def test_a_damaged_container_is_a_sentence_with_its_name(suffix: str, damage: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", suffix, DATA)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-9],
            "flipped": data[:40] + bytes(255 - byte for byte in data[40:60]) + data[60:],
            "trailing": data + b"more",
            "plain": DATA,
        }[damage]
    )
    with pytest.raises(DataError) as caught:
        scanned(path)
    assert str(path) in str(caught.value)
    assert ("is no file of" if damage == "plain" else "cannot be unpacked") in str(caught.value)


@pytest.mark.parametrize("suffix", PACK)
def test_an_empty_file_holds_nothing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.touch()
    with pytest.raises(DataError, match="no samples"):
        scanned(path)


@pytest.mark.parametrize("suffix", PACK)
def test_what_belongs_to_every_part_and_how_lines_end(suffix: str, tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    path = write(tmp_path / "a.jsonl", suffix, mark + b'{"text": "x"}\r\n{"text": "y"}\r\n')
    reader = open_reader(str(path))
    lines: LineRecords = reader  # type: ignore[assignment]
    assert (lines.heading(path.name), lines.line_end(path.name)) == (mark, b"\r\n")
    assert list(lines.records(scanned(path).samples)) == [b'{"text": "x"}', b'{"text": "y"}']
