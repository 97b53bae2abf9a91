"""A trace that serves where another is asked for: made elsewhere or by an earlier version, else the same."""

from __future__ import annotations

from typing import Any

from prune.core.errors import StoreError
from prune.store import Store, identity


def shown_or(store: Store, name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe of the whole column that the store shows, where it is what is asked for.

    That it was made on another kind of device, or by an earlier version, is no reason to make it again.
    """
    shown = store.recipe_of(name)
    if shown is None or shown == recipe or _asked(shown, recipe) != _asked(recipe, shown):
        return recipe
    there = store.open_column(name, identity(shown)) if _opens(store, name, shown) else None
    if there is None:
        return recipe
    writer = store.write_column(name, shown, rows=len(there), part_rows=there.part_rows)
    return shown if writer.finished else recipe


_OF_MAKING = {"version", "device", "precision", "taken"}  # what the trace is of does not depend on it
_NEVER_LEFT_OUT = {"share", "of", "source", "folds", "stop"}


def _asked(recipe: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what two recipes have to share, as the one says it."""
    names = (recipe.keys() & other.keys() - _OF_MAKING) | _NEVER_LEFT_OUT
    asked = {name: recipe.get(name) for name in names}
    if isinstance(asked.get("training"), dict) and isinstance(other.get("training"), dict):
        asked["training"] = _asked(recipe["training"], other["training"])
    return asked


def _opens(store: Store, name: str, recipe: dict[str, Any]) -> bool:
    try:
        store.open_column(name, identity(recipe))
    except StoreError:
        return False
    return True
