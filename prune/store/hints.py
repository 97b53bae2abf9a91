"""Hints for a column that is not there: what to type."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def writer_of(column: str) -> str:
    """Return the command that writes a column."""
    kind, _, name = column.partition(".")
    if kind == "embedding" and name != "proxy":
        return f"prune embed --encoder {name} DATA   # writes {column}"
    if kind == "score":
        return f"prune score --type {name} DATA   # writes {column}"
    return f"prune score --type el2n DATA   # writes {column}"


def nearest(column: str, known: Collection[str]) -> str | None:
    """Return a question about a name that is much like this one, if a column has it."""
    kind, _, name = column.partition(".")
    names = [other.removeprefix(f"{kind}.") for other in known if other.startswith(f"{kind}.")]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else None
