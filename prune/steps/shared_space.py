"""The columns behind a space, as a unit of work elsewhere opens them: by names, in a store that all see."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.steps.space_columns import SpaceSource
from prune.steps.unit_executor import SHARED, dataset_of
from prune.store import Dataset, Store


def described(store: Store, dataset: Dataset, space: SpaceSource) -> dict[str, Any]:
    """Return what `opened` opens, as plain values."""
    return {
        "store": str(store.path.absolute()),
        "dataset": dataset.fingerprint,
        "space": [space.name, space.device, space.memory],
    }


def opened(asked: Mapping[str, Any]) -> tuple[Dataset, SpaceSource]:
    """Return the samples and the space; kept from one unit to the next.

    Raises
    ------
    StoreError
        The store does not lie here.
    """
    return _opened(asked["store"], asked["dataset"], *asked["space"])


@functools.lru_cache(maxsize=1)
def _opened(path: str, fingerprint: str, name: str, device: str, memory: int) -> tuple[Dataset, SpaceSource]:
    store = Store(path)
    dataset = dataset_of(store, fingerprint)
    return dataset, SpaceSource(store, dataset, name, device=device, memory=memory)


def require_here(place: Path) -> None:
    """Raise `StoreError` where what a unit wrote is not in the folder that it was told."""
    if not place.exists():
        raise StoreError(f"{place} was written elsewhere, and is not here", SHARED)
