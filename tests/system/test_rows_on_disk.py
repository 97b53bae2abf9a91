"""Rows on the disk are those of the array in memory, in whatever order they lie and are read."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from prune.core.arrays import Rows
from prune.core.errors import DataError, OutputError
from prune.system import rows_on_disk
from prune.system.rows_on_disk import RowsFile, RowsInFiles

VALUES = np.random.default_rng(0).standard_normal((103, 5)).astype(np.float16)
HEADER = 7  # bytes before the rows of a file


def _stored(folder: Path, which: Rows | None = None) -> RowsInFiles:
    files = []
    for start in range(0, len(VALUES), 40):
        rows, path = VALUES[start : start + 40], folder / f"{start}"
        path.write_bytes(b"x" * HEADER + rows.tobytes())
        files.append(RowsFile(path, HEADER, len(rows)))
    return RowsInFiles(files, VALUES.shape[1], VALUES.dtype, which)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read runs of 8 rows, with gaps of 2, and put 16 in order together."""
    for name, rows in (("_GAP", 2), ("_RUN", 8), ("_BUCKET", 16)):
        monkeypatch.setattr(rows_on_disk, name, rows * VALUES[0].nbytes)


def _require_same(stored: rows_on_disk.RowsOnDisk, values: np.ndarray, only: Rows) -> None:
    rng = np.random.default_rng(1)
    for rows in (only, only[::-1], only[:0], rng.choice(only, 300), only[3:4]):
        assert np.array_equal(stored[rows], values[rows])


def test_slices_and_gathers_are_those_of_the_array(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    assert (stored.shape, len(stored), stored.dtype) == (VALUES.shape, 103, np.float16)
    for start, stop in ((0, 103), (38, 83), (39, 40), (5, 5), (100, 200)):
        assert np.array_equal(stored[start:stop], VALUES[start:stop])
    _require_same(stored, VALUES, np.arange(103))
    with pytest.raises(TypeError, match="on the disk"):
        np.asarray(stored)


def test_rows_may_stand_for_others(tmp_path: Path) -> None:
    which = np.random.default_rng(2).integers(0, 103, 150)  # several are the same
    stored = _stored(tmp_path, which)
    assert np.array_equal(stored[20:70], VALUES[which[20:70]])
    _require_same(stored, VALUES[which], np.arange(150))
    order = np.random.default_rng(3).permutation(150)
    _require_same(stored.arranged(order), VALUES[which], order)


def test_another_order_on_the_disk_is_the_same_array_and_leaves_nothing_behind(tmp_path: Path) -> None:
    order = np.random.default_rng(4).permutation(103)[:90]  # some are not asked for
    stored = _stored(tmp_path)
    there = sorted(tmp_path.iterdir())
    arranged = stored.arranged(order)
    assert arranged is not stored
    _require_same(arranged, VALUES, order)
    assert np.array_equal(arranged[np.sort(order)], VALUES[np.sort(order)])
    assert sorted(tmp_path.iterdir()) == there


def test_where_the_disk_is_full_they_are_read_out_of_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(place: Path, needed: int) -> None:
        assert (place, needed) == (tmp_path, VALUES.nbytes)
        raise OutputError("full")

    stored = _stored(tmp_path)
    monkeypatch.setattr(rows_on_disk, "require_room", full)
    assert stored.arranged(np.arange(103)) is stored


def test_where_the_disk_fills_up_meanwhile_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: memoryview, offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    stored = _stored(tmp_path)
    monkeypatch.setattr(rows_on_disk.os, "pwrite", full)
    assert stored.arranged(np.arange(103)) is stored
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_that_became_shorter_is_no_endless_reading(tmp_path: Path) -> None:
    stored = _stored(tmp_path)
    (tmp_path / "80").write_bytes(b"x" * HEADER)
    with pytest.raises(DataError, match="ended while it was read"):
        stored[70:90]
