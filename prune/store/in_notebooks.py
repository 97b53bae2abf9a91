"""What a notebook shows of a store and of a selection, from what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.column_name import SCORE, of_kinds, scores_among
from prune.core.errors import StoreError
from prune.core.notebook import html_table, html_text
from prune.core.safe_text import counted, number, size
from prune.core.store_option import in_store
from prune.store.folder import StoreFolder
from prune.store.selections import read_selection

_SHOWN = 30  # rows of a table


def store_html(store: StoreFolder) -> str:
    """Return the dataset, the scores, the other columns and the selections of a store as HTML.

    What is missing or damaged is said, and not raised: a notebook shows a store whatever became of it.
    """
    try:
        state, dataset = store.state, store.dataset
    except StoreError as error:
        return f"<div><strong>{html_text(store.path)}</strong>: {html_text(error)}</div>"
    about = f"{counted(len(dataset), 'sample')}, {counted(len(dataset.classes), 'class')}, {dataset.format}"
    rows = [_column(store, name) for name in [*scores_among(state["columns"]), *_others(state["columns"])]]
    rows += [_selection(store, name, state.get("latest")) for name in sorted(state["selections"])]
    more = len(rows) - _SHOWN
    note = f"… and {more} more: {in_store('prune status', str(store.path))}" if more > 0 else ""
    return html_table(f"{store.path}: {about}", ("", "", ""), rows[:_SHOWN], note)


def selection_html(name: str, about: Mapping[str, Any], kept: int) -> str:
    """Return what a selection says of itself as HTML."""
    asked = {**about.get("options", {}), **about.get("asked", {}), "seed": about.get("seed")}
    rows = [("method", about.get("method"))]
    rows += [(word, value) for word, value in sorted(asked.items()) if value not in (None, "none", 0)]
    classes = (about.get("report") or {}).get("classes")
    if classes:
        names = about.get("classes", [])
        for what in ("least_kept", "most_kept"):
            one = classes[what]
            share = f"{100 * one['fraction']:.3g} % of {names[one['class']]}"
            rows.append((what.replace("_", " "), share))
    usable = about.get("usable") or kept
    title = f"{name}: {number(kept)} of {number(usable)} samples kept ({100 * kept / usable:.3g} %)"
    return html_table(title, ("", ""), rows[:_SHOWN])


def _others(columns: Mapping[str, str]) -> list[str]:
    return sorted(set(columns) - set(of_kinds(columns, SCORE)))


def _column(store: StoreFolder, name: str) -> tuple[str, str, str]:
    try:
        column = store.column(name)
    except StoreError as error:
        return (name, "damaged", str(error))
    shape = " × ".join(number(length) for length in column.shape)
    high = column.recipe.get("high")
    return (name, f"{shape} {column.dtype.name}", f"high: {high}" if high else size(column.nbytes))


def _selection(store: StoreFolder, name: str, latest: str | None) -> tuple[str, str, str]:
    called = f"selection {name}{' (latest)' if name == latest else ''}"
    try:
        about = read_selection(store, name).about
    except StoreError as error:
        return (called, "damaged", str(error))
    return (called, counted(about["k"], "sample"), f"by {about['method']}")
