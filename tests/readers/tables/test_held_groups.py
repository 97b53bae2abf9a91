"""Row groups that are held: rows in any order are right, each group is unpacked once while it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.readers.tables.files import TableFiles
from prune.readers.tables.rows import ParquetRows

ORDER = [29, 0, 15, 1, 28, 14, 2, 2, 27]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two files of thirty texts each, in row groups of ten: about a hundred bytes a text."""
    for part in "ab":
        texts = [f"{part}{row:02d}" + "." * 97 for row in range(30)]
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{part}.parquet", row_group_size=10)
    return tmp_path


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that were unpacked, in order."""
    seen: list[int] = []
    plain = ParquetRows._batches_of

    def counted(rows: ParquetRows, group: int, columns: Any) -> Any:
        seen.append(group)
        return plain(rows, group, columns)

    monkeypatch.setattr(ParquetRows, "_batches_of", counted)
    return seen


def taken(root: Path, held: int) -> list[str]:
    files = TableFiles(root, ["a.parquet", "b.parquet"], "parquet", lenient=False, held=held)
    places = pa.table({"shard": ["a.parquet"] * len(ORDER) + ["b.parquet"], "index": [*ORDER, 5]})
    return [text[:3] for table in files.taken(places, ["text"]) for text in table["text"].to_pylist()]


WANTED = [*(f"a{row:02d}" for row in ORDER), "b05"]


def test_each_group_is_unpacked_once_where_all_fit(root: Path, unpacked: list[int]) -> None:
    assert taken(root, 1 << 20) == WANTED
    assert unpacked == [2, 0, 1, 0]


def test_the_group_that_was_not_asked_for_longest_makes_room(root: Path, unpacked: list[int]) -> None:
    assert taken(root, 2500) == WANTED  # two of them fit
    assert unpacked == [2, 0, 1, 2, 1, 0, 2, 0]


def test_groups_that_do_not_fit_are_gone_through(root: Path, unpacked: list[int]) -> None:
    assert taken(root, 500) == taken(root, 0) == WANTED
    assert len(unpacked) > 10


def test_a_group_has_its_rows(root: Path) -> None:
    rows = ParquetRows(root / "a.parquet")
    assert [rows.group_of(row) for row in (0, 9, 10, 29)] == [(0, 10), (0, 10), (10, 20), (20, 30)]
    group = rows.group(15, ["text"], 1 << 20)
    assert group is not None
    assert [text[:3] for text in group["text"].to_pylist()] == [f"a{row}" for row in range(10, 20)]
    assert rows.group(15, ["text"], 500) is None
