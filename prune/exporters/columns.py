"""One schema for the parts of a table that differ in the width of a column, and rows put into it.

`datasets` opens no saved dataset of which one file has int32 where another has int64, or string and
large_string. What the parts hold stays the same; a column that one of them lacks is null there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from prune.exporters.features import feature_of
from prune.exporters.table_files import with_features
from prune.readers.tables.columns import is_list


class ApartError(ValueError):
    """A column holds things of two kinds, such as numbers and text; the message says which."""


def joined(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Return the columns of all parts, each wide enough for every one; each schema has its features.

    Raises
    ------
    ApartError
        There is no type for one of them.
    """
    first = schemas[0]
    if all(schema.equals(first) for schema in schemas):
        return first
    kinds: dict[str, pa.DataType] = {}
    features: dict[str, Any] = {}
    for schema in schemas:
        told = _features(schema)
        for field in schema:
            kind = kinds.get(field.name, field.type)
            wide = wider(kind, field.type)
            if wide is None:
                raise ApartError(f"column {field.name} is {kind} and {field.type}")
            kinds[field.name] = wide
            if _is_plain(features.get(field.name)):
                features[field.name] = told.get(field.name, features.get(field.name))
    for name, kind in kinds.items():
        if _is_plain(features[name]):
            features[name] = feature_of(kind, name)
        elif features[name].get("_type") == "ClassLabel":
            kinds[name] = pa.int64()
    return pa.schema(list(kinds.items()), metadata=with_features(features))


def conformed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows with the columns of a schema that `joined` made of theirs and others."""
    if table.schema.equals(schema):
        return table
    columns = [
        _cast(table[field.name], field.type) if field.name in table.schema.names else _nulls(table, field)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return a type that holds what both hold; None where there is none."""
    one, other = (kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other))
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if is_list(one) and is_list(other):
        inner = wider(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _wider_struct(one, other)
    if _is_number(one) and _is_number(other):
        return pa.from_numpy_dtype(np.promote_types(one.to_pandas_dtype(), other.to_pandas_dtype()))
    family = {_FAMILY.get(str(kind)) for kind in (one, other)}
    return next(iter(family)) if len(family) == 1 else None


_FAMILY = {
    **dict.fromkeys(("string", "large_string", "string_view"), pa.string()),
    **dict.fromkeys(("binary", "large_binary", "binary_view"), pa.binary()),
}


def _wider_struct(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    fields = {field.name: field.type for field in one}
    for field in other:
        wide = wider(fields.get(field.name, field.type), field.type)
        if wide is None:
            return None
        fields[field.name] = wide
    return pa.struct(list(fields.items()))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _features(schema: pa.Schema) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    return found


def _is_plain(feature: Mapping[str, Any] | Sequence[Any] | None) -> bool:
    """Whether a feature says no more than the type: not that it is an image, or what classes are called."""
    return not isinstance(feature, dict) or feature.get("_type") not in {"ClassLabel", "Image"}


def _nulls(table: pa.Table, field: pa.Field) -> pa.Array:
    return pa.nulls(len(table), field.type)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if pa.types.is_nested(kind):  # fields may lack, or stand in another order
        return pa.chunked_array([pa.array(column.to_pylist(), kind)])
    return column.cast(kind)
