"""What a notebook shows of a thing: tables in HTML, escaped, in the colours of whatever surrounds them."""

from __future__ import annotations

import html
import importlib.util
from collections.abc import Sequence
from typing import Any

from prune.core.errors import PruneError
from prune.core.safe_text import printable

_RULE = "border-bottom:1px solid color-mix(in srgb, currentColor 25%, transparent)"  # in light and dark
_CELL = "padding:2px 12px 2px 0;text-align:left;background:transparent"


def html_text(text: Any) -> str:
    """Return any text as HTML: no tag of it counts, and no control character."""
    return html.escape(printable(str(text)))


def html_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> str:
    """Return a table under a title, as HTML; every word in it is text."""
    top = _row("th", head, f"{_CELL};{_RULE}")
    body = "".join(_row("td", row, _CELL) for row in rows)
    table = f'<table style="border-collapse:collapse;color:inherit">{top}{body}</table>' if rows else ""
    below = f'<div style="opacity:.75">{html_text(note)}</div>' if note else ""
    return f"<div><strong>{html_text(title)}</strong>{table}{below}</div>"


def _row(kind: str, words: Sequence[Any], style: str) -> str:
    cells = (f'<{kind} style="{style}">{html_text(word)}</{kind}>' for word in words)
    return f"<tr>{''.join(cells)}</tr>"


def to_pandas(table: Any) -> Any:
    """Return an arrow table as a pandas DataFrame.

    Raises
    ------
    NoPandasError
        pandas is not installed: nothing else here needs it.
    """
    if importlib.util.find_spec("pandas") is None:
        raise NoPandasError("pandas is not installed", "pip install pandas, or take .to_arrow()")
    return table.to_pandas()


class NoPandasError(PruneError, ImportError):
    """A library that only this needs is not there."""

    exit_code = 2
