"""What stands behind a selection of the store: its own choice, and those that it was chosen within."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prune.store import Store, read_selection
from prune.store.selections import StoredSelection


def choices_behind(store: Store, name: str | None) -> Iterator[StoredSelection]:
    """Yield a selection, the one that it was chosen within, and so on; none where there is no name.

    Raises
    ------
    StoreError
        One is missing or damaged.
    """
    seen = set[str]()
    while name is not None and name not in seen:
        seen.add(name)
        chosen = read_selection(store, name)
        yield chosen
        name = (chosen.about.get("within") or {}).get("name")


def columns_behind(store: Store, name: str | None) -> dict[str, str]:
    """Return the columns that decided any of these choices, name -> identity."""
    found: dict[str, str] = {}
    for chosen in choices_behind(store, name):
        found = {**chosen.about.get("from", {}), **found}
    return found


def quotas_behind(store: Store, name: str | None) -> list[str]:
    """Return the quota of each of these choices."""
    return [quota_in(chosen.about) for chosen in choices_behind(store, name)]


def quota_in(about: Mapping[str, Any]) -> str:
    """Return the quota that a selection says it was chosen by."""
    return str((about.get("asked") or {}).get("quota") or "none")


def telling_quota(quotas: Iterable[str]) -> str:
    """Return the first quota that split a budget over classes."""
    return next((quota for quota in quotas if quota != "none"), "none")
