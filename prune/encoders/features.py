"""A matrix of features in a file, one row a sample, read in blocks whatever its size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prune.core.arrays import Array, Embeddings, Rows
from prune.core.errors import DataError
from prune.store import Dataset
from prune.store.join import KEY, match_keys
from prune.system.npy import open_npy

_BATCH = 8192  # rows of a parquet file in memory at a time


class Features(Protocol):
    """Features of the samples of a dataset."""

    source: str

    def rows(self, rows: Rows) -> Embeddings:
        """Return a new (k, d) float32 array; NaN where the file has nothing for a sample."""

    def blocks(self, usable: Rows, size: int) -> Iterator[tuple[Embeddings, Rows]]:
        """Yield the features of all `usable` rows and which rows these are, in the order of the file."""


def open_features(path: Path, dataset: Dataset) -> Features:
    """Open a .npy matrix, matched by row, or a parquet file, matched by key.

    Raises
    ------
    DataError
        It cannot be read, is no matrix, has another number of rows, or lacks keys or has them twice.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except OSError as error:
        raise DataError(f"there is no file {path}", "name a .npy or parquet file after --features") from error
    if magic.startswith(b"PAR1"):
        return _Parquet(path, dataset)
    if magic == b"\x93NUMPY":
        return _Matrix(path, dataset)
    raise DataError(f"{path} is neither a .npy nor a parquet file", "save it with numpy.save(path, features)")


class _Matrix:
    def __init__(self, path: Path, dataset: Dataset) -> None:
        self.source = str(path)
        self._matrix: Array = open_npy(path)
        shape, kind = self._matrix.shape, self._matrix.dtype
        if len(shape) != 2 or not shape[1] or kind.kind not in "iuf":
            raise DataError(f"{path} holds {kind} of shape {shape}, want a matrix of numbers (n, d)")
        if shape[0] != len(dataset):
            raise DataError(
                f"{path} has {shape[0]} rows, the dataset has {len(dataset)} samples",
                "one row for each sample in the order of the dataset, or a parquet file with a column 'key'",
            )

    def rows(self, rows: Rows) -> Embeddings:
        return _as_float32(self._matrix[rows])

    def blocks(self, usable: Rows, size: int) -> Iterator[tuple[Embeddings, Rows]]:
        for start in range(0, len(usable), size):
            rows = usable[start : start + size]
            yield self.rows(rows), rows


class _Parquet:
    def __init__(self, path: Path, dataset: Dataset) -> None:
        self.source = str(path)
        try:
            self._file = pq.ParquetFile(path)
            if self._file.schema_arrow.names.count(KEY) != 1:
                raise DataError(f"{path} has no column {KEY!r}", "name the column of keys 'key'")
            keys = self._file.read(columns=[KEY])[KEY]
            self._columns = _feature_columns(self._file.schema_arrow, path)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path} cannot be read as a parquet file") from error
        about = self._file.metadata
        groups = sum(about.row_group(group).num_rows for group in range(about.num_row_groups))
        if not len(keys) == about.num_rows == groups:
            raise DataError(
                f"{path} is damaged: its footer tells of {about.num_rows} rows, its keys are {len(keys)}"
            )
        self._positions = match_keys(dataset, keys, self.source)
        self._width: int | None = None

    def rows(self, rows: Rows) -> Embeddings:
        places = self._positions[rows]
        order = np.argsort(places, kind="stable")
        sorted_places = places[order]
        found: Embeddings | None = None
        for start, values in self._stream(sorted_places):
            first, last = np.searchsorted(sorted_places, [start, start + len(values)])
            if found is None:
                found = np.full((len(rows), values.shape[1]), np.nan, np.float32)
            found[order[first:last]] = values[sorted_places[first:last] - start]
        return np.full((len(rows), self._width or 1), np.nan, np.float32) if found is None else found

    def blocks(self, usable: Rows, size: int) -> Iterator[tuple[Embeddings, Rows]]:  # noqa: ARG002
        owners = np.full(self._file.metadata.num_rows, -1, np.int64)
        owners[self._positions[usable]] = usable
        for start, values in self._stream(np.sort(self._positions[usable])):
            rows = owners[start : start + len(values)]
            yield values[rows >= 0], rows[rows >= 0]

    def _stream(self, places: Rows) -> Iterator[tuple[int, Embeddings]]:
        """Yield (first row of the file, values) for the row groups that hold one of the sorted `places`."""
        start = 0
        for group in range(self._file.num_row_groups):
            stop = start + self._file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(places, [start, stop])
            if first < last:
                yield from self._group(group, start, stop)
            start = stop

    def _group(self, group: int, start: int, stop: int) -> Iterator[tuple[int, Embeddings]]:
        try:
            for batch in self._file.iter_batches(_BATCH, row_groups=[group], columns=self._columns):
                yield start, self._values(batch)
                start += len(batch)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self.source} is damaged in row group {group}") from error
        if start != stop:
            raise DataError(f"{self.source} is damaged in row group {group}: rows are missing")

    def _values(self, batch: pa.RecordBatch) -> Embeddings:
        if _is_list(batch.column(0).type):
            values = self._lists(batch.column(0))
        else:
            values = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns], axis=1)
        return _as_float32(values)

    def _lists(self, lists: pa.Array) -> Array:
        lengths = pc.list_value_length(lists)
        widths = set(pc.unique(lengths).to_pylist()) | ({self._width} if self._width else set())
        if len(widths) != 1 or not all(widths):
            told = ", ".join(sorted(map(str, widths)))
            raise DataError(f"{self.source} has lists of different lengths in {self._columns[0]!r}: {told}")
        (self._width,) = widths
        return lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), -1)


def _feature_columns(schema: pa.Schema, path: Path) -> Sequence[str]:
    lists = [f.name for f in schema if _is_list(f.type) and _is_number(f.type.value_type)]
    if len(lists) > 1:
        raise DataError(
            f"{path} has more than one column of lists: {', '.join(map(repr, lists))}", "keep one"
        )
    columns = lists or [f.name for f in schema if f.name != KEY and _is_number(f.type)]
    if not columns or len(set(columns)) < len(columns):
        raise DataError(
            f"{path} has no column of lists of numbers and no numeric columns of distinct names",
            "one column of lists, or one numeric column for each dimension",
        )
    return columns


def _is_list(kind: pa.DataType) -> bool:
    checks = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(check(kind) for check in checks)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _as_float32(values: Array) -> Embeddings:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)  # what overflows is infinite, and named as such
