"""Scores that tell of columns which were made again since: of another training than what lies beside them."""

from __future__ import annotations

from collections.abc import Collection

from prune.core.column_name import ColumnName, scores_among
from prune.core.errors import StoreError
from prune.core.store_option import in_store
from prune.store.folder import StoreFolder


def outdated_scores(store: StoreFolder, names: Collection[str] | None = None) -> dict[str, str]:
    """Return the shown scores, or those of `names`, with the first column of theirs that was made again."""
    shown = store.state["columns"]
    found: dict[str, str] = {}
    for name in scores_among(sorted(shown if names is None else set(names) & set(shown))):
        column = _made_again(store, name, shown)
        if column is not None:
            found[name] = column
    return found


def scored_again(store: StoreFolder, names: Collection[str]) -> str:
    """Return the command that makes these scores again, of what there is now."""
    types = ",".join(sorted(ColumnName(name).of for name in names))
    return in_store(f"prune score --type {types}", str(store.path))


def _made_again(store: StoreFolder, name: str, shown: dict[str, str]) -> str | None:
    try:
        made_of = (store.recipe_of(name) or {}).get("from", {})
    except StoreError:  # damaged, which is told elsewhere
        return None
    return next((of for of in sorted(made_of) if shown.get(of) != made_of[of]), None)
