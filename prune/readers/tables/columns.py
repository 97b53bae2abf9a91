"""Columns of a table by their roles: the images, the labels, and what the labels are called."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError, OptionError
from prune.readers.labels.names import LABELS, likely

_IMAGES = ("image", "img", "images", "picture", "photo", "pixels", "jpg", "jpeg", "png", "webp")
_LABELS = tuple(
    dict.fromkeys(
        ("label", "labels", "fine_label", "class", "class_label", "target", "category", "cls", "y", *LABELS)
    )
)

Features = Mapping[str, Mapping[str, Any]]


def refuse_two(**asked: str | None) -> None:
    """Raise `OptionError` where two options say what a sample is."""
    given = [f"--{name.replace('_', '-')}" for name, value in asked.items() if value is not None]
    if len(given) > 1:
        raise OptionError(f"{given[0]} and {given[1]} both say what a sample is", "give one of them")


def features_of(schema: pa.Schema) -> Features:
    """Return the features that `datasets` left in the schema; empty if there are none."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = found["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def has_images(schema: pa.Schema, features: Features) -> bool:
    """Say whether some column is declared, called or built like one of images."""
    return any(_holding_images(schema, features))


def _holding_images(schema: pa.Schema, features: Features) -> tuple[list[str], list[str], list[str]]:
    """Return the columns that are declared as images, called so, or structs that hold bytes."""
    holds = [name for name in schema.names if holds_images(schema.field(name).type)]
    declared = [name for name in holds if features.get(name, {}).get("_type") == "Image"]
    named = [name for name in holds if name.lower() in _IMAGES]
    return declared, named, [name for name in holds if pa.types.is_struct(schema.field(name).type)]


def image_column(schema: pa.Schema, features: Features, chosen: str | None) -> str:
    """Return the name of the column of images.

    It is the `chosen` one, else the only Image feature, else the only column with bytes that is
    called like an image, else the only struct with `bytes` in it.

    Raises
    ------
    OptionError
        There are several, or the chosen one does not exist or holds no bytes.
    DataError
        There is none.
    """
    holds = [name for name in schema.names if holds_images(schema.field(name).type)]
    if chosen is not None:
        if chosen not in holds:
            raise OptionError(
                f"no column of images is called {chosen!r}", f"columns: {', '.join(schema.names)}"
            )
        return chosen
    declared, named, structs = _holding_images(schema, features)
    found = declared or named or structs
    if not found and holds:
        what = "the only column of bytes is" if len(holds) == 1 else "the columns of bytes are"
        raise OptionError(
            f"no column is called like an image; {what} {', '.join(holds)}",
            f"choose: --image-column {shlex.quote(holds[0])}",
        )
    if not found:
        vectors = [name for name in schema.names if holds_numbers(schema.field(name).type)]
        raise DataError(
            f"no column holds images; there are {', '.join(schema.names) or 'no columns'}",
            f"--features-column {shlex.quote(vectors[0])} takes its lists of numbers" if vectors else _WANTED,
        )
    if len(found) > 1:
        raise OptionError(
            f"several columns hold images: {', '.join(found)}", f"choose: --image-column {found[0]}"
        )
    return found[0]


def features_column(schema: pa.Schema, chosen: str) -> str:
    """Return the column of lists of numbers that was chosen.

    Raises
    ------
    OptionError
        There is no such column, or it holds something else.
    """
    if chosen not in schema.names or not holds_numbers(schema.field(chosen).type):
        held = [name for name in schema.names if holds_numbers(schema.field(name).type)]
        raise OptionError(
            f"no column of lists of numbers is called {chosen!r}",
            f"choose: --features-column {shlex.quote(held[0])}" if held else "there is none in this table",
        )
    return chosen


def key_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of a table of features that may hold its keys, the likeliest first."""
    kinds = {name: schema.field(name).type for name in schema.names}
    usable = [name for name, kind in kinds.items() if _is_text(kind) or pa.types.is_integer(kind)]
    return [name for word in _KEYS for name in usable if name.lower() == word]


_KEYS = (
    "__key__",
    "key",
    "id",
    "uid",
    "uuid",
    "sample_id",
    "image_id",
    "file_name",
    "filename",
    "path",
    "url",
)


def holds_numbers(kind: pa.DataType) -> bool:
    """Say whether a column of this type holds lists of numbers."""
    return is_list(kind) and is_number(kind.value_type)


_WANTED = "an image column holds the encoded bytes, as binary or as a struct of bytes and path"


def label_column(
    schema: pa.Schema, features: Features, chosen: str | None, *, also: Sequence[str] = ()
) -> str | None:
    """Return the name of the column of labels, None if there is none.

    It is the `chosen` one, else the only ClassLabel feature, else the first that is called like a label, or
    else as in `also`.

    Raises
    ------
    OptionError
        The chosen one does not exist or holds neither whole numbers nor text, or there are several.
    """
    if chosen is not None:
        if chosen not in schema.names:
            raise OptionError(f"no column is called {chosen!r}", f"columns: {', '.join(schema.names)}")
        if not _holds_labels(schema.field(chosen).type):
            kind = schema.field(chosen).type
            raise OptionError(f"column {chosen} is of type {kind}", "labels are whole numbers or text")
        return chosen
    usable = [name for name in schema.names if _holds_labels(schema.field(name).type)]
    declared = [name for name in usable if features.get(name, {}).get("_type") == "ClassLabel"]
    named = [name for word in (*_LABELS, *also) for name in declared or usable if name.lower() == word]
    if named or len(declared) < 2:
        return next(iter(named or declared), None)
    raise OptionError(
        f"several columns hold labels: {', '.join(declared)}", f"choose: --label-field {declared[0]}"
    )


def remarks(schema: pa.Schema, features: Features, chosen: str | None) -> list[str]:
    """Say what else could be the label, and which column is called like one and is none."""
    named = [name for name in schema.names if name.lower() in _LABELS or _is_class(features.get(name, {}))]
    lists = [name for name in named if pa.types.is_nested(schema.field(name).type)]
    if chosen is None and lists:
        kind = schema.field(lists[0]).type
        return [f"no class labels: column {lists[0]} holds {kind}, several labels a sample"]
    if chosen is None:
        return _no_label(schema)
    others = [name for name in named if name != chosen and _holds_labels(schema.field(name).type)]
    if not others:
        return []
    return [f"labels are those of column {chosen}; for others: --label-field {others[0]}"]


def _no_label(schema: pa.Schema) -> list[str]:
    """Say which columns may hold labels, though none is called so."""
    names = likely(name for name in schema.names if _holds_classes(schema.field(name).type))
    if not names:
        return []
    listed = ", ".join(names[:_SHOWN]) + (" and more" if len(names) > _SHOWN else "")
    return [f"no column is called like a label; there are {listed}: --label-field {shlex.quote(names[0])}"]


_SHOWN = 6


def _holds_classes(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return _holds_labels(kind) and not pa.types.is_floating(kind)


def _is_class(feature: Mapping[str, Any]) -> bool:
    """Say whether a feature is a ClassLabel or a list of some."""
    inner = feature.get("feature")
    return feature.get("_type") == "ClassLabel" or (isinstance(inner, dict) and _is_class(inner))


def class_names(features: Features, column: str | None) -> tuple[str, ...] | None:
    """Return the names of a ClassLabel column by id, made distinct; None for any other column."""
    feature = features.get(column or "", {})
    names = feature.get("names")
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list):
        return None
    return _distinct([str(name).encode(errors="backslashreplace").decode() for name in names])


def holds_images(kind: pa.DataType) -> bool:
    """Say whether a column of this type can hold encoded images."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0 and _is_binary(kind.field("bytes").type)
    return _is_binary(kind)


def alike(one: pa.DataType, other: pa.DataType) -> bool:
    """Say whether two types hold the same values, in whatever width: `int32` and `int64` do."""
    one, other = (kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other))
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        shared = {field.name for field in one} & {field.name for field in other}
        return bool(shared) and all(alike(one.field(name).type, other.field(name).type) for name in shared)
    if is_list(one) and is_list(other):
        return alike(one.value_type, other.value_type)
    null = pa.types.is_null(one) or pa.types.is_null(other)
    return null or one == other or any(holds(one) and holds(other) for holds in _FAMILIES)


def is_list(kind: pa.DataType) -> bool:
    """Say whether a column holds lists."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def holds_text(kind: pa.DataType) -> bool:
    """Say whether a column of this type holds texts, be it as categories."""
    return _is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def is_number(kind: pa.DataType) -> bool:
    """Say whether a column of this type holds numbers."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


_FAMILIES = (_is_text, is_number, _is_binary)


def _holds_labels(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    # Pandas makes floats of whole numbers where one lacks.
    return _is_text(kind) or is_number(kind) or pa.types.is_boolean(kind)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    while True:
        repeated = {name for name, count in Counter(names).items() if count > 1}
        if not repeated:
            return tuple(names)
        names = [f"{name} [{place}]" if name in repeated else name for place, name in enumerate(names)]
