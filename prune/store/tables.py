"""Tables as bytes, and the hash of what a table says, whatever wrote it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

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
    """SHA-256 of names, types and values: the same for equal tables, however they are chunked or stored."""
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest.update(f"{name}\0{column.type}\0{len(column)}\0".encode())
        digest.update(np.packbits(column.is_valid().to_numpy(zero_copy_only=False)).tobytes())
        for block in _plain(column):
            digest.update(block)
    return digest.hexdigest()


def _plain(column: pa.ChunkedArray) -> list[bytes]:
    if pa.types.is_integer(column.type):
        return [pc.fill_null(column, 0).to_numpy().astype("<i8").tobytes()]
    binary = pc.fill_null(column.cast(pa.large_binary()), b"")
    lengths = pc.binary_length(binary).to_numpy().astype("<i8").tobytes()
    return [lengths, *(_bytes_of(chunk) for chunk in binary.chunks)]


def _bytes_of(chunk: pa.Array) -> bytes:
    if not len(chunk):
        return b""
    _, offsets, data = chunk.buffers()
    span = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
    return b"" if data is None else data.to_pybytes()[span[0] : span[-1]]
