"""Compressed files that are held unpacked: records in any order are right, each file is unpacked once."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from prune.core.errors import DataError
from prune.readers.lines import unpacked_files
from prune.readers.lines.containers import FileContent
from prune.readers.lines.unpacked_files import UnpackedFiles

PLACES = [("a", 7), ("a", 0), ("b", 3), ("b", 9), ("a", 8), ("c", 1)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three files of ten lines, a hundred bytes each with its end."""
    for name in "abc":
        lines = "".join(f"{name}{row}".ljust(99, ".") + "\n" for row in range(10))
        (tmp_path / f"{name}.txt.gz").write_bytes(gzip.compress(lines.encode()))
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were opened to be unpacked whole."""
    seen: list[str] = []

    class Counted(FileContent):
        def __init__(self, path: Path) -> None:
            seen.append(path.name[0])
            super().__init__(path)

    monkeypatch.setattr(unpacked_files, "FileContent", Counted)
    return seen


def rows(places: list[tuple[str, int]], size: int = 99) -> pa.Table:
    columns: dict[str, Any] = {
        "shard": [f"{name}.txt.gz" for name, _ in places],
        "offset": [100 * row for _, row in places],
        "size": [size] * len(places),
    }
    return pa.table(columns)


def read(files: UnpackedFiles) -> list[bytes]:
    return [record[:2] for record in files.records(rows(PLACES))]


WANTED = [f"{name}{row}".encode() for name, row in PLACES]


def test_each_file_is_unpacked_once_where_all_fit(root: Path, opened: list[str]) -> None:
    files = UnpackedFiles(root, 3000)
    assert read(files) == read(files) == WANTED
    assert opened == ["a", "b", "c"]


def test_the_file_that_was_not_asked_for_longest_makes_room(root: Path, opened: list[str]) -> None:
    files = UnpackedFiles(root, 2000)
    assert read(files) == WANTED
    assert opened == ["a", "b", "c"]
    assert read(files) == WANTED
    assert opened == ["a", "b", "c", "b", "c"]


def test_a_file_that_is_too_large_is_gone_through(root: Path, opened: list[str]) -> None:
    files = UnpackedFiles(root, 999)
    assert read(files) == read(files) == WANTED
    assert opened == ["a", "b", "c"]  # looked at once; then read as far as need be


def test_no_rows_are_no_records_and_a_short_file_is_named(root: Path) -> None:
    files = UnpackedFiles(root, 3000)
    assert list(files.records(rows([]))) == []
    with pytest.raises(DataError, match=r"b.txt.gz ends before byte 1001"):
        list(files.records(rows([("b", 9)], size=101)))
