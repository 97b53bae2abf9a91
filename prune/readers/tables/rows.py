"""Rows of a parquet or Arrow file, a few at a time, in any order, in bounded memory."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prune.core.errors import DataError
from prune.core.safe_text import one_line
from prune.system import contents

_BATCH = 256  # rows of parquet at a time, if they are small
_BYTES = 128 << 20  # of such rows
_MOST = 4096  # rows at a time, if they are tiny
_SMALL = 16 << 20  # bytes of such rows, were all alike
_REPEATED = 128 << 20  # bytes of such rows, had all the largest value of a dictionary
_BOMB = 1 << 30  # bytes of a row group, from which on it may not be many times the file
_TIMES = 20  # pictures do not compress
_BUFFER = 1 << 20  # bytes of a compressed column at a time
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


class ParquetRows:
    """One parquet file, read forwards; going back starts its row group again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            source = contents.stream(path) if contents.is_remote(path) else path
            self._file = pq.ParquetFile(source, buffer_size=_BUFFER)
        self.schema: pa.Schema = self._file.schema_arrow
        self.rows: int = self._file.metadata.num_rows
        groups = (self._file.metadata.row_group(g).num_rows for g in range(self._file.num_row_groups))
        self._starts = [0, *itertools.accumulate(groups)]
        self._refuse_bomb(path.stat().st_size)
        self._stream: Iterator[tuple[int, pa.Table]] = iter(())
        self._key: tuple[int, tuple[str, ...]] = (-1, ())
        self._start, self._batch = 0, pa.table({})

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield (first row, rows) of the whole file; a column may be a child of a struct: `image.path`."""
        for group in range(len(self._starts) - 1):
            yield from self._batches_of(group, columns)

    def around(self, row: int, columns: Sequence[str]) -> tuple[int, pa.Table]:
        """Return (first row, rows) of some batch that holds `row`."""
        key = (bisect.bisect_right(self._starts, row) - 1, tuple(columns))
        if self._key != key or row < self._start:
            self._key, self._stream = key, self._batches_of(key[0], columns)
            self._start, self._batch = self._starts[key[0]], pa.table({})
        while row >= self._start + self._batch.num_rows:
            self._start, self._batch = next(self._stream)
        return self._start, self._batch

    def group_of(self, row: int) -> tuple[int, int]:
        """Return the first row of the row group that holds `row`, and that of the next."""
        place = bisect.bisect_right(self._starts, row)
        return self._starts[place - 1], self._starts[place]

    def group(self, row: int, columns: Sequence[str], limit: int) -> pa.Table | None:
        """Return all rows of the row group that holds `row`; None where they are over so many bytes."""
        parts: list[pa.Table] = []
        held = 0
        for _, batch in self._batches_of(bisect.bisect_right(self._starts, row) - 1, columns):
            held += batch.nbytes
            if held > limit:
                return None
            parts.append(batch)
        return pa.concat_tables(parts).combine_chunks()

    def may_be_null(self, column: str) -> bool:
        """Say whether values of a column, `image.bytes`, are missing; also where the file does not tell."""
        metadata, schema = self._file.metadata, self._file.schema
        with reading(self.path):
            places = [place for place in range(len(schema)) if schema.column(place).path == column]
            for group in range(metadata.num_row_groups):
                # First a row, then the types: pyarrow's own look at a damaged description ends the process.
                next(self._file.iter_batches(1, row_groups=[group], columns=[column]), None)
                chunks = [metadata.row_group(group).column(place) for place in places]
                self._require_types(chunks, [schema.column(place) for place in places])
                known = [chunk.statistics for chunk in chunks]
                if any(found is None or not found.has_null_count or found.null_count for found in known):
                    return True
        return False

    def _require_types(self, chunks: Sequence[Any], columns: Sequence[Any]) -> None:
        """Refuse a row group that tells of another type than the schema: its statistics mean nothing."""
        for chunk, column in zip(chunks, columns, strict=True):
            if chunk.physical_type != column.physical_type:
                types = f"{column.path} is {column.physical_type} in one place and {chunk.physical_type}"
                raise DataError(f"{self.path} is damaged: {types} in another", DAMAGED)

    def _refuse_bomb(self, size: int) -> None:
        """Refuse a row group that would fill the memory out of a small file."""
        for group in range(self._file.num_row_groups):
            claimed = self._file.metadata.row_group(group).total_byte_size
            if claimed > max(_BOMB, _TIMES * size):
                what = f"row group {group} of {self.path} unpacks to {claimed} bytes, the file has {size}"
                raise DataError(what, "write it again in smaller row groups, if it is what it should be")

    def _batches_of(self, group: int, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        start = self._starts[group]
        with reading(self.path):
            step = self._step(group, columns)
            for batch in self._file.iter_batches(
                step, row_groups=[group], columns=list(columns), use_threads=False
            ):
                yield start, _without_views(batch)
                start += batch.num_rows
        if start != self._starts[group + 1]:
            raise DataError(
                f"{self.path} is damaged: row group {group} is {self._starts[group + 1] - start} rows short",
                DAMAGED,
            )

    def _step(self, group: int, columns: Sequence[str]) -> int:
        """Return how many rows at a time stay near 128 MB, were each as large as the row group.

        A dictionary holds a value once, however many rows have it. Of small rows there may be more.
        """
        held = self._file.metadata.row_group(group)
        roots = {name.partition(".")[0] for name in columns} | set(columns)
        chunks = [held.column(place) for place in range(held.num_columns)]
        read = [
            chunk
            for chunk in chunks
            if {chunk.path_in_schema.partition(".")[0], chunk.path_in_schema} & roots
        ]
        mean = _SMALL * held.num_rows // max(1, sum(chunk.total_uncompressed_size for chunk in read))
        repeated = _REPEATED // max(1, max((self._dictionary(chunk) for chunk in read), default=1))
        surely = min(_BATCH, _BYTES // max(1, held.total_byte_size))
        return max(1, surely, min(_MOST, mean, repeated))

    def _dictionary(self, chunk: Any) -> int:
        """Return the bytes of a column's dictionary, unpacked; of all its pages, where that is not told."""
        if not chunk.has_dictionary_page or chunk.dictionary_page_offset is None:
            return 0
        with contents.stream(self.path) as file:
            file.seek(chunk.dictionary_page_offset)
            return page_size(file.read(_HEADER)) or int(chunk.total_uncompressed_size)


def page_size(head: bytes) -> int | None:
    """Return how many bytes a page unpacks to: the second field of its header, in Thrift's compact form."""
    at, found = 0, 0
    for _ in range(2):
        if head[at : at + 1] != _INTEGER:
            return None
        at, found, place = at + 1, 0, 0
        while at < len(head):
            byte = head[at]
            found, place, at = found | (byte & 127) << place, place + 7, at + 1
            if byte < 128:
                break
    return (found >> 1) ^ -(found & 1)


_INTEGER = b"\x15"  # the next field, of 32 bits
_HEADER = 32  # bytes that hold the first fields of a page


class ArrowRows:
    """One file of an Arrow stream, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            source = pa.memory_map(str(contents.local(path)))
            if source.size() < len(_END_OF_STREAM) or source.read_at(8, source.size() - 8) != _END_OF_STREAM:
                raise pa.ArrowInvalid("it is cut short")
            self._source, self._size = source, source.size()
            stream = pa.ipc.open_stream(source)
            self.schema: pa.Schema = stream.schema
            self._batches = list(stream)
        self._starts = [0, *itertools.accumulate(batch.num_rows for batch in self._batches)]
        self.rows = self._starts[-1]

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
        """Yield (first row, rows) of the whole file; a column may be a child of a struct: `image.path`."""
        for place in range(len(self._batches)):
            yield self._checked(place, columns)

    def around(self, row: int, columns: Sequence[str]) -> tuple[int, pa.Table]:
        """Return (first row, rows) of some batch that holds `row`."""
        return self._checked(bisect.bisect_right(self._starts, row) - 1, columns)

    def may_be_null(self, column: str) -> bool:
        """Say whether values of a column, `image.bytes`, are missing."""
        name, _, child = column.partition(".")
        return any(batch.column(name).field(child).null_count for batch in self._batches)

    def _checked(self, place: int, columns: Sequence[str]) -> tuple[int, pa.Table]:
        names = dict.fromkeys(
            name if name in self.schema.names else name.partition(".")[0] for name in columns
        )
        batch = self._batches[place].select(list(names))
        with reading(self.path):
            if os.fstat(self._source.fileno()).st_size < self._size:  # what is gone would end the process
                raise DataError(f"{self.path} was cut short while it was read", DAMAGED)
            batch.validate(full=True)  # the file is mapped as it is: an offset of nonsense would be followed
        return self._starts[place], _without_views(batch)


def _without_views(batch: pa.RecordBatch) -> pa.Table:
    """Return rows whose texts and bytes lie one after the other: of views, Arrow takes no single rows."""
    table = pa.Table.from_batches([batch])
    for place, field in enumerate(table.schema):
        plain = _PLAIN.get(field.type)
        if plain is not None:
            table = table.set_column(place, field.name, table.column(place).cast(plain))
    return table


_PLAIN = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}

DAMAGED = "fetch the file again"
Rows = ParquetRows | ArrowRows


def open_rows(path: Path, kind: str) -> Rows:
    """Open a file of kind `parquet` or `arrow`.

    Raises
    ------
    DataError
        It is missing, cut short or damaged.
    """
    rows = ParquetRows(path) if kind == "parquet" else ArrowRows(path)
    with reading(path):
        for column in rows.schema:  # names that are not text fail here
            _ = column.name, [column.type.field(place).name for place in range(column.type.num_fields)]
    return rows


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what pyarrow says of a damaged file into one sentence with its name."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeError) as error:
        reason = one_line(error, 200)
        raise DataError(f"{path} cannot be read: {reason}", DAMAGED) from error
