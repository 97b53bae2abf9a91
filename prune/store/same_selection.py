"""A selection that is there already: the same was asked for, and what it was chosen by is as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.store.folder import StoreFolder
from prune.store.layout import identity
from prune.store.selections import StoredSelection, read_selection
from prune.system import files


def recipe_of(store: StoreFolder, asked: Mapping[str, Any], columns: Mapping[str, str], **place: Any) -> str:
    """Return what stands for all that decides a selection: what was asked, the columns, the files named.

    Parameters
    ----------
    asked
        What the user asked for, as plain values.
    columns
        That decide, name -> identity.
    place
        What else decides: where the arithmetic runs, the version, who may not be chosen.
    """
    # A condition may be longer than the name of a file can be, which `Path` takes for an error.
    words = [value for value in asked.values() if isinstance(value, str)]
    named = [value for value in words if os.path.isfile(value)]  # noqa: PTH113
    decisive = {
        "asked": {name: str(value) for name, value in asked.items()},
        "files": {name: files.sha256(Path(name)) for name in named},
        "columns": dict(columns),
        "dataset": store.state.get("dataset"),
        "place": {name: str(value) for name, value in place.items()},
    }
    return identity(decisive)


def same_selection(store: StoreFolder, name: str, recipe: str) -> StoredSelection | None:
    """Return the selection of this name, if it is whole and was made of this recipe."""
    try:
        chosen = read_selection(store, name)
        return chosen if chosen.about.get("recipe") == recipe and chosen.records else None
    except (StoreError, ValueError):
        return None


def told_apart(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what was asked otherwise of two selections: `fraction 0.5 → 0.3`."""
    before, now = _asked(old), _asked(new)
    pairs = {name: (before.get(name), now.get(name)) for name in [*now, *before]}
    return [f"{name} {_word(was)} → {_word(new_)}" for name, (was, new_) in pairs.items() if was != new_]


def _asked(about: Mapping[str, Any]) -> dict[str, Any]:
    asked, options = about.get("asked") or {}, about.get("options") or {}
    return {"method": about.get("method"), **asked, **options, "seed": about.get("seed")}


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
