"""The files of a table: opened when they are needed, few at a time, with the number of each first row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from prune.core.errors import DataError
from prune.readers.tables.held_groups import HeldGroups
from prune.readers.tables.rows import ParquetRows, Rows, open_rows

_MAX_OPEN = 64  # files


class TableFiles:
    """Parquet or Arrow files in order, as one table.

    Parameters
    ----------
    files
        Relative to `root`.
    kind
        `parquet`, `arrow` or `stream`.
    lenient
        Whether files that cannot be opened are passed over: their own scan will say so.
    held
        Bytes of row groups that are held for rows in any order; 0: rows are read forward.
    """

    def __init__(self, root: Path, files: Sequence[str], kind: str, *, lenient: bool, held: int = 0) -> None:
        self.root, self.files, self.kind, self.lenient = root, files, kind, lenient
        self._held = HeldGroups(held) if held else None
        self._opened: dict[str, Rows] = {}

    def rows(self, file: str) -> Rows:
        """Return the rows of a file, opened."""
        if file not in self._opened:
            if len(self._opened) >= _MAX_OPEN:
                self._opened.clear()
            self._opened[file] = open_rows(self.root / file, self.kind)
        return self._opened[file]

    @cached_property
    def starts(self) -> dict[str, int]:
        """Number of the first row of each file, of those that can be opened."""
        starts, next_ = {}, 0
        for file in self.files:
            with self.leniently():
                rows = self.rows(file).rows
                starts[file], next_ = next_, next_ + rows
        return starts

    def taken(self, samples: pa.Table, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of the rows of `SAMPLES` in their order; fast for rows that ascend, right for any.

        Raises
        ------
        DataError
            A file is gone or shorter than it was.
        """
        held = samples["shard"].combine_chunks().dictionary_encode()
        shards, codes = held.dictionary.to_pylist(), held.indices.to_numpy()
        places = samples["index"].to_numpy()
        at = 0
        while at < len(places):
            rows = self.rows(shards[codes[at]])
            if places[at] >= rows.rows:
                raise DataError(f"{rows.path} ends before row {places[at]}", "scan the dataset again")
            start, batch = self._around(rows, int(places[at]), names)
            stop, end = at + 1, start + batch.num_rows
            while stop < len(places) and codes[stop] == codes[at] and start <= places[stop] < end:
                stop += 1
            yield batch.take(pa.array(places[at:stop] - start))
            at = stop

    def _around(self, rows: Rows, row: int, names: Sequence[str]) -> tuple[int, pa.Table]:
        if self._held is None or not isinstance(rows, ParquetRows):
            return rows.around(row, names)
        return self._held.around(rows, row, names)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the first file that can be opened."""
        return self.rows(next(iter(self.starts))).schema

    def leniently(self) -> contextlib.AbstractContextManager[None]:
        """Pass over what is wrong with a file, where files may be left out."""
        return contextlib.suppress(DataError) if self.lenient else contextlib.nullcontext()
