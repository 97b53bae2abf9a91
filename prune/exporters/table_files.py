"""Parquet and Arrow files of a source: their columns with features, and wanted rows of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.exporters.features import feature_of, features_of_types
from prune.readers.tables.rows import open_rows

BATCH = 1000  # rows of a written batch, unless its bytes come first


def source_schema(path: Path) -> pa.Schema:
    """Return the columns of a parquet or Arrow file, with features even where the file names none."""
    schema = open_rows(path, kind_of(path)).schema
    for place, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):  # which no feature stands for: pandas makes it of categories
            schema = schema.set(place, pa.field(field.name, field.type.value_type))
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key == b"huggingface"}
    if not metadata:
        metadata = with_features(features_of_types(schema))
    return schema.with_metadata(metadata)


def kind_of(path: Path) -> str:
    """Return `parquet` or `arrow`, by the name of the file."""
    return "parquet" if path.suffix == ".parquet" else "arrow"


def file_tables(
    path: Path, wanted: Rows | None = None, without: Collection[str | None] = ()
) -> Iterator[pa.Table]:
    """Yield the wanted rows of a parquet or Arrow file (ascending; None: all) in their order.

    `without`: columns that are not read.

    Raises
    ------
    DataError
        The file is damaged, or ends before the last of them.
    """
    rows = open_rows(path, kind_of(path))
    wanted = np.arange(rows.rows) if wanted is None else wanted
    if len(wanted) and wanted[-1] >= rows.rows:
        raise DataError(f"{path} has changed since it was scanned: it ends before row {wanted[-1]}", _AGAIN)
    names = [name for name in rows.schema.names if name not in without]
    place = 0
    while place < len(wanted):
        start, batch = rows.around(int(wanted[place]), names)
        stop = min(int(np.searchsorted(wanted, start + batch.num_rows)), place + BATCH)
        yield batch.take(pa.array(wanted[place:stop] - start))
        place = stop


_AGAIN = "run the commands again from the first"


def with_features(features: Mapping[str, Any]) -> dict[bytes, bytes]:
    """Return features as the metadata of a schema holds them."""
    return {b"huggingface": json.dumps({"info": {"features": dict(features)}}).encode()}


def with_column(
    schema: pa.Schema, name: str, kind: pa.DataType, feature: Mapping[str, Any] | None = None
) -> pa.Schema:
    """Return a schema and its features with a column in place of one of that name, else at the end."""
    held = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    features = held.setdefault("info", {}).setdefault("features", {})
    features[name] = feature_of(kind) if feature is None else dict(feature)
    place, column = schema.get_field_index(name), pa.field(name, kind)
    schema = schema.append(column) if place < 0 else schema.set(place, column)
    return schema.with_metadata({b"huggingface": json.dumps(held).encode()})
