"""Which fields of a record hold its text, its label and its id."""

from __future__ import annotations

from typing import Any

from prune.readers.sample import key_problem

TEXTS = ("text", "content", "sentence", "review", "document", "raw_content")
LABELS = ("label", "labels", "class", "category", "sentiment", "cls")


def usable_id(value: Any) -> str | None:
    """Return an id as a key; None where it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return None if key_problem(str(value)) else str(value)
