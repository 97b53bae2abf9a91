"""Which column of a table holds the images, which the labels, and what the labels are called."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from prune.errors import DataError, OptionError

_IMAGES = ("image", "img", "images", "picture", "photo", "pixels", "jpg", "jpeg", "png", "webp")
_LABELS = ("label", "labels", "fine_label", "class", "class_label", "target", "category", "cls", "y")

Features = Mapping[str, Mapping[str, Any]]


def features_of(schema: pa.Schema) -> Features:
    """Return the features that `datasets` left in the schema; empty if there are none."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = found["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


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
    declared = [name for name in holds if features.get(name, {}).get("_type") == "Image"]
    named = [name for name in holds if name.lower() in _IMAGES]
    structs = [name for name in holds if pa.types.is_struct(schema.field(name).type)]
    found = declared or named or structs
    if not found:
        raise DataError(
            f"no column holds images; there are {', '.join(schema.names) or 'no columns'}", _WANTED
        )
    if len(found) > 1:
        raise OptionError(
            f"several columns hold images: {', '.join(found)}", f"choose: --image-column {found[0]}"
        )
    return found[0]


_WANTED = "an image column holds the encoded bytes, as binary or as a struct of bytes and path"


def label_column(schema: pa.Schema, features: Features, chosen: str | None) -> str | None:
    """Return the name of the column of labels, None if there is none.

    It is the `chosen` one, else the only ClassLabel feature, else the first that is called like a label.

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
    named = [name for word in _LABELS for name in declared or usable if name.lower() == word]
    if named or len(declared) < 2:
        return next(iter(named or declared), None)
    raise OptionError(
        f"several columns hold labels: {', '.join(declared)}", f"choose: --label-field {declared[0]}"
    )


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


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)


def _holds_labels(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return text or pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    while True:
        repeated = {name for name, count in Counter(names).items() if count > 1}
        if not repeated:
            return tuple(names)
        names = [f"{name} [{place}]" if name in repeated else name for place, name in enumerate(names)]
