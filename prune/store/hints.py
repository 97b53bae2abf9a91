"""Hints for a column that is not there: what to type."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from prune.core import method_names


def writer_of(column: str) -> str:
    """Return the command that writes a column; a score that nobody here computes is mistyped, or yours."""
    kind, _, name = column.partition(".")
    if kind == "embedding" and name != "proxy":
        return f"prune embed --encoder {name}   # writes {column}"
    if kind == "score" and name not in method_names.SCORES:
        return "prune methods scores   # what prune computes; prune score --import FILE takes scores of yours"
    if kind == "score":
        return f"prune score --type {name}   # writes {column}"
    return f"prune score --type el2n   # writes {column}"


def nearest(column: str, known: Collection[str]) -> str | None:
    """Return a question about a name that is much like this one, if a column has it."""
    kind, _, name = column.partition(".")
    names = [other.removeprefix(f"{kind}.") for other in known if other.startswith(f"{kind}.")]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else None


def listed(column: str, known: Collection[str]) -> str:
    """Return which columns there are: those of the kind that is missed, without what belongs to them."""
    kind = column.partition(".")[0]
    alike = [other for other in known if other.partition(".")[0] == kind and other.count(".") == 1]
    shown = alike or list(known)
    return f"it has: {', '.join(shown)}" if shown else "it has none"
