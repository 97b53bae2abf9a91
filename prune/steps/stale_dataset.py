"""A store that was made from another dataset than the one that is there now: what to say of it."""

from __future__ import annotations

import pyarrow.compute as pc

from prune.core.errors import StoreError
from prune.readers.scan import first_difference
from prune.steps.holdout import other_holdout
from prune.steps.recovery import commands_of
from prune.store import Dataset, Store
from prune.store.layout import DATASETS


def stale(store: Store, new: Dataset) -> StoreError:
    """Return the first of what differs, and what can be done; of a damaged store, that it is damaged."""
    try:
        old = store.dataset
    except StoreError as damaged:
        return damaged
    if old.split != new.split:
        return StoreError(
            f"{store.path} is about the split {old.split}, not {new.split}",
            "use another --store for another split, or add --refresh to start over in this one",
        )
    if old.holdout != new.holdout:
        return other_holdout(store, old, new)
    shared = pc.any(pc.is_in(old.samples["key"], new.samples["key"])).as_py()
    if not (shared or set(old.sources) & set(new.sources)):
        return StoreError(
            f"{store.path} holds another dataset of {len(old)} samples",
            "use another --store, or add --refresh to start over in this one",
        )
    again = commands_of(store)(DATASETS)
    how = f"{again}   # takes in what changed; add --refresh to start over, or use another --store"
    return StoreError(f"stale: {first_difference(old, new)} since {store.path} was made", how)


def too_different(store: Store, new: Dataset, same: int) -> StoreError:
    """Return what to say of a dataset that has little in common with what it was."""
    told = stale(store, new)
    if "stale" not in str(told):
        return told
    return StoreError(
        f"{told}, and only {same:,} of {len(new):,} samples are as they were",
        "add --refresh to start over with the data as it is now, or use another --store",
    )
