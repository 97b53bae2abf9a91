"""Rows of a matrix that stay on the disk: blocks and gathers of them are read when they are asked for.

They are read and not mapped: pages of a mapped file count as memory of the process, and of a file larger than
memory every touch of a row would fetch many that nobody asked for.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.errors import DataError, OutputError
from prune.system.disk_space import require_room
from prune.system.os_errors import writing

_GAP = 4096  # bytes between two rows that are read along: a call takes as long
_RUN = 2**22  # bytes read at once for a gather
_BUCKET = 2**26  # bytes that are put in order together


@dataclass(frozen=True)
class RowsFile:
    """A file with rows, one after the other."""

    path: Path
    offset: int  # of the first
    rows: int


class RowsOnDisk:
    """An array of two axes as far as ``[start:stop]`` and ``[rows]`` go; each makes an array of its own."""

    ndim = 2

    def __init__(self, shape: tuple[int, int], dtype: np.dtype[Any], folder: Path) -> None:
        self.shape, self.dtype, self._folder = shape, dtype, folder
        self.row_bytes = shape[1] * dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Rows) -> Array:
        places = self._places(rows)
        if isinstance(places, slice):
            out = np.empty((max(places.stop - places.start, 0), self.shape[1]), self.dtype)
            self._read(places.start, out)
            return out
        out = np.empty((len(places), self.shape[1]), self.dtype)
        order = np.argsort(places, kind="stable")
        for span in self._runs(places[order]):
            at = order[span]
            first = int(places[at[0]])
            run = np.empty((int(places[at[-1]]) - first + 1, self.shape[1]), self.dtype)
            self._read(first, run)
            out[at] = run[places[at] - first]
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        raise TypeError("these rows are on the disk: take some of them, as rows[start:stop]")

    def arranged(self, order: Rows) -> RowsOnDisk:
        """Return the same array with these rows stored in this order, so that runs of it are read at once.

        They are copied into a file without a name beside the others, which is gone with the array; where the
        disk has no room for that, they stay as they are. Rows that are not in `order` may not be asked for
        any more. Time: two readings and two writings of the rows; memory 200 MB, and 16 bytes a row.
        """
        bucket = max(1, _BUCKET // self.row_bytes)
        try:
            require_room(self._folder, len(order) * self.row_bytes)
            with writing(self._folder):
                with tempfile.TemporaryFile(dir=self._folder) as file:
                    arranged = _ArrangedRows(self, order, os.dup(file.fileno()), self._folder)
                arranged.scatter(self, bucket)
                for start in range(0, len(order), bucket):
                    arranged.settle(order[start : start + bucket], start)
        except OutputError:
            return self
        return arranged

    def _runs(self, places: Rows) -> Iterator[slice]:
        """Yield the spans of ascending places that are read at once."""
        together = max(1, _GAP // self.row_bytes)
        lots = places // max(1, _RUN // self.row_bytes)
        edges = np.flatnonzero((np.diff(places) > together) | (np.diff(lots) > 0)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(places)], strict=True):
            if stop > start:
                yield slice(start, stop)

    @abstractmethod
    def _places(self, rows: slice | Rows) -> slice | Rows:
        """Where rows are stored."""

    @abstractmethod
    def _read(self, first: int, out: Array) -> None:
        """Fill an array with what is stored from a place on."""


class RowsInFiles(RowsOnDisk):
    """Rows in files, in their order.

    Parameters
    ----------
    files
        That hold the rows; at least one.
    width, dtype
        Of a row.
    which : (n,)
        Which of them are the rows of the array; default: all.
    """

    def __init__(
        self, files: Sequence[RowsFile], width: int, dtype: np.dtype[Any], which: Rows | None = None
    ) -> None:
        self._files, self._which = list(files), which
        self._starts = np.concatenate([[0], np.cumsum([file.rows for file in files])]).tolist()
        n = self._starts[-1] if which is None else len(which)
        super().__init__((n, width), dtype, self._files[0].path.parent)

    def _places(self, rows: slice | Rows) -> slice | Rows:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return slice(start, stop) if self._which is None else self._which[start:stop]
        return np.asarray(rows, np.int64) if self._which is None else self._which[rows]

    def _read(self, first: int, out: Array) -> None:
        done = 0
        while done < len(out):
            at = int(np.searchsorted(self._starts, first + done, "right")) - 1
            file, skipped = self._files[at], first + done - self._starts[at]
            count = min(len(out) - done, file.rows - skipped)
            with file.path.open("rb", buffering=0) as opened:
                offset = file.offset + skipped * self.row_bytes
                _fill(opened.fileno(), out[done : done + count], offset, file.path)
            done += count


class _ArrangedRows(RowsOnDisk):
    """Rows that were put in another order, in a file of ours."""

    def __init__(self, whole: RowsOnDisk, order: Rows, fd: int, folder: Path) -> None:
        super().__init__(whole.shape, whole.dtype, folder)
        self._fd, self._place = fd, np.full(len(whole), -1, np.int64)
        weakref.finalize(self, os.close, fd)
        self._place[order] = np.arange(len(order))

    def scatter(self, whole: RowsOnDisk, bucket: int) -> None:
        """Write every row into the bucket it belongs to, one after the other."""
        ends = np.arange(0, len(whole) + bucket, bucket)
        for start in range(0, len(whole), bucket):
            rows = np.arange(start, min(start + bucket, len(whole)))
            rows = rows[self._place[rows] >= 0]
            block, into = whole[rows], self._place[rows] // bucket
            order = np.argsort(into, kind="stable")
            edges = np.searchsorted(into[order], np.unique(into)).tolist()
            for first, last in zip(edges, [*edges[1:], len(order)], strict=True):
                number = into[order[first]]
                self._write(block[order[first:last]], int(ends[number]))
                ends[number] += last - first

    def settle(self, wanted: Rows, start: int) -> None:
        """Put the rows of a bucket in order: they lie there as they came, by row."""
        block = np.empty((len(wanted), self.shape[1]), self.dtype)
        self._read(start, block)
        self._write(block[np.searchsorted(np.sort(wanted), wanted)], start)

    def _places(self, rows: slice | Rows) -> slice | Rows:
        return self._place[rows]

    def _read(self, first: int, out: Array) -> None:
        _fill(self._fd, out, first * self.row_bytes, self._folder)

    def _write(self, block: Array, first: int) -> None:
        data, done = np.ascontiguousarray(block).data.cast("B"), 0
        while done < len(data):
            done += os.pwrite(self._fd, data[done:], first * self.row_bytes + done)


def _fill(fd: int, out: Array, offset: int, place: Path) -> None:
    """Read bytes until an array is full.

    Raises
    ------
    DataError
        The file ends before.
    """
    data, done = out.data.cast("B"), 0
    while done < len(data):
        count = os.preadv(fd, [data[done:]], offset + done)
        if not count:
            raise DataError(f"{place} ended while it was read", "prune verify   # says what is damaged")
        done += count
