"""Which fields of a record hold its label and its id; those of its text: see `modalities.text.fields`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.modalities.text import fields
from prune.readers.sample import key_problem

LABELS = (*fields.LABELS, "cls")


def usable_id(value: Any) -> str | None:
    """Return an id as a key; None where it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return None if key_problem(str(value)) else str(value)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """Return what stands in a field, or at a path with dots through objects: `metadata.label`."""
    if path in record or "." not in path:
        return record.get(path)
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
