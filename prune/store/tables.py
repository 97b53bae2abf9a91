"""Tables as bytes, and the hash of what a table says, whatever wrote it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_ROW_GROUP = 65_536


def to_parquet(table: pa.Table) -> bytes:
    """Return a table as a parquet file."""
    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", row_group_size=_ROW_GROUP)
    return sink.getvalue()


def from_parquet(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Read what `to_parquet` returned, or some of its columns.

    On one thread and from a buffer: pyarrow's threads over a Python file object now and then abort the
    process when it ends.
    """
    return pq.ParquetFile(pa.BufferReader(data)).read(columns, use_threads=False)


def content_hash(table: pa.Table) -> str:
    """SHA-256 of names, types and values: the same for equal tables, however they are chunked or stored.

    Memory: a part of a column, and a byte a row.
    """
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        digest.update(np.packbits(column.is_valid().to_numpy(zero_copy_only=False)).tobytes())
        for block in _plain(column):
            digest.update(block)
    return digest.hexdigest()


def _plain(column: pa.ChunkedArray) -> Iterator[bytes | memoryview]:
    """Yield the values, part by part; of texts and bytes first the length of each, then these."""
    parts = [part.slice(at, _ROW_GROUP) for part in column.chunks for at in range(0, len(part), _ROW_GROUP)]
    if pa.types.is_integer(column.type):
        yield from (pc.fill_null(part, 0).to_numpy().astype("<i8").tobytes() for part in parts)
        return
    for part in parts:
        yield pc.fill_null(pc.binary_length(part), 0).to_numpy().astype("<i8").tobytes()
    yield from map(_bytes_of, parts)


def _bytes_of(part: pa.Array) -> bytes | memoryview:
    plain = pc.fill_null(part.cast(pa.large_binary()), b"")
    _, offsets, data = plain.buffers()
    span = np.frombuffer(offsets, np.int64)[plain.offset : plain.offset + len(plain) + 1]
    return b"" if data is None else memoryview(data)[span[0] : span[-1]]
