"""The sample table of one file of records, column by column: no object a row is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from prune.core.content import content_digest
from prune.readers.sample import RAW

_ROWS = 1 << 9  # that are held as tuples
_BLOCK = 1 << 14  # that are held as objects

_COLUMNS = ("key", "offset", "size", "image_size", "index", "label", "digest", "reason")


class Found(NamedTuple):
    """What a record says."""

    key: str | None = None
    label: str | None = None
    size: int | None = None  # bytes of the text
    digest: bytes | None = None
    reason: str | None = None  # why it is no sample


class Known(NamedTuple):
    """What records say that all have a text, a column each."""

    keys: Sequence[str | None]
    labels: Sequence[str | None]
    sizes: Sequence[int]
    digests: Sequence[bytes]
    reasons: Sequence[str | None]


def of_text(text: str, key: str | None, label: str | None = None, reason: str | None = None) -> Found:
    """Return what a record with a text says; a `ValueError` where the text is none."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:  # half of a pair, as "\ud800" in JSON
        raise ValueError("the text is not Unicode") from error
    return Found(key, label, len(encoded), content_digest(encoded), reason)


@dataclass
class RawColumns:
    """Rows of one file, in its order."""

    shard: str
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _columns: list[list[Any]] = field(default_factory=lambda: [[] for _ in _COLUMNS])
    _tables: list[pa.Table] = field(default_factory=list)

    def add(self, number: int, start: int, size: int, found: Found) -> None:
        """Add the record that begins in line `number`, at the byte `start`."""
        key, label, text_size, digest, reason = found
        key = f"{self.shard}:{number}" if key is None else key
        self._rows.append((key, start, size, text_size, number, label, digest, reason))
        if len(self._rows) >= _ROWS:
            self._turn()
            if len(self._columns[0]) >= _BLOCK:
                self._pack()

    def extend(
        self, numbers: Sequence[int], starts: Sequence[int], sizes: Sequence[int], known: Known
    ) -> None:
        """Add records that begin in these lines, at these bytes."""
        self._turn()
        keys = [
            f"{self.shard}:{n}" if key is None else key for n, key in zip(numbers, known.keys, strict=True)
        ]
        new = (keys, starts, sizes, known.sizes, numbers, known.labels, known.digests, known.reasons)
        for column, values in zip(self._columns, new, strict=True):
            column.extend(values)
        if len(self._columns[0]) >= _BLOCK:
            self._pack()

    def table(self) -> pa.Table:
        """Return all rows as `RAW`."""
        self._turn()
        self._pack()
        return pa.concat_tables(self._tables) if self._tables else RAW.empty_table()

    def _turn(self) -> None:
        """Put rows into columns: few at once, as they are then still near at hand."""
        for column, values in zip(self._columns, zip(*self._rows, strict=True), strict=False):
            column.extend(values)
        self._rows = []

    def _pack(self) -> None:
        rows = len(self._columns[0])
        if not rows:
            return
        columns: dict[str, Sequence[Any]] = dict(zip(_COLUMNS, self._columns, strict=True))
        columns["shard"] = [self.shard] * rows
        arrays = [
            pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type) for f in RAW
        ]
        self._tables.append(pa.Table.from_arrays(arrays, schema=RAW))
        self._columns = [[] for _ in _COLUMNS]
