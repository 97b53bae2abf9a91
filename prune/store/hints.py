"""Hints for a column that is not there: what to type."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from prune.core import method_names
from prune.core.column_name import EMBEDDING, FEATURES, SCORE, ColumnName, of_kinds


def writer_of(column: str) -> str:
    """Return the command that writes a column; a score that nobody here computes is mistyped, or yours."""
    name = ColumnName(column)
    if name.kind == EMBEDDING and name != FEATURES:
        return f"prune embed --encoder {name.of}   # writes {column}"
    if name.kind == SCORE and name.rest not in method_names.SCORES:
        return "prune methods scores   # what prune computes; prune score --import FILE takes scores of yours"
    if name.kind == SCORE:
        return f"prune score --type {name.rest}   # writes {column}"
    return f"prune score --type el2n   # writes {column}"


def nearest(column: str, known: Collection[str]) -> str | None:
    """Return a question about a name that is much like this one, if a column has it."""
    name = ColumnName(column)
    names = [other.rest for other in of_kinds(known, name.kind) if other.rest]
    near = difflib.get_close_matches(name.rest, names, n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else None


def listed(column: str, known: Collection[str]) -> str:
    """Return which columns there are: those of the kind that is missed, without what belongs to them."""
    alike = [name for name in of_kinds(known, ColumnName(column).kind) if name.rest and not name.part]
    shown = ", ".join(alike or known)
    return f"it has: {shown}" if shown else "it has none"
