"""Row groups of parquet that are held unpacked: for rows in any order, of which each would unpack its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa

from prune.readers.tables.rows import ParquetRows

Key: TypeAlias = tuple[str, int, tuple[str, ...]]


class HeldGroups:
    """The row groups that were asked for last, as many as fit.

    Parameters
    ----------
    limit
        Bytes of all that is held; a row group that is larger is gone through each time.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._bytes = limit, 0
        self._held: OrderedDict[Key, pa.Table] = OrderedDict()
        self._large: set[Key] = set()

    def around(self, rows: ParquetRows, row: int, columns: Sequence[str]) -> tuple[int, pa.Table]:
        """Return (first row, rows) of the row group that holds `row`, or of some batch, if it is large."""
        start, _ = rows.group_of(row)
        key = str(rows.path), start, tuple(columns)
        if key in self._held:
            self._held.move_to_end(key)
            return start, self._held[key]
        table = None if key in self._large else rows.group(row, columns, self._limit)
        if table is None:
            self._large.add(key)
            return rows.around(row, columns)
        self._held[key] = table
        self._bytes += table.nbytes
        while self._bytes > self._limit:
            _, old = self._held.popitem(last=False)
            self._bytes -= old.nbytes
        return start, table
