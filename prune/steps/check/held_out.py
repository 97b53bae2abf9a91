"""A held-out dataset: scanned, and its thumbnails kept in a store inside that of the dataset."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError, StoreError
from prune.modalities.image.thumbnail_vectors import SIDE
from prune.steps.dataset_session import Opened, locate
from prune.steps.rejects import check_rejects
from prune.steps.select.target.dataset import TargetDataset, find_dataset, require_same_kind
from prune.steps.select.target.pool import TargetPool
from prune.steps.settings import Settings
from prune.store import Column, Dataset, Store, identity
from prune.store.layout import TARGETS
from prune.system.local_paths import is_there

_WHAT = "held-out samples"


@dataclass(frozen=True)
class HeldOut:
    """A dataset that nothing may be trained on, open for one command."""

    source: str
    opened: Opened
    apart: bool  # its store is another one: the dataset is not that of the store

    @property
    def dataset(self) -> Dataset:
        """Its samples."""
        return self.opened.dataset


def open_held_out(store: Store, source: str, split: str | None, settings: Settings) -> HeldOut:
    """Open and scan a held-out dataset, as the dataset of the store is read where that has to be told.

    Parameters
    ----------
    source
        A dataset; or, where there is none of this name, a split of the dataset of the store.

    Raises
    ------
    DataError, OptionError
        There is no such dataset or split, it cannot be read, or its samples are of another kind.
    """
    found = _own_split(store, source, settings) if split is None else None
    pool = TargetPool(store, "")
    found = found or find_dataset(pool, source, split, settings)
    require_same_kind(pool, source, found.dataset)
    fingerprint = found.dataset.fingerprint
    apart = fingerprint != store.state.get("dataset")
    place = Store(store.path / TARGETS / fingerprint[:16]) if apart else store
    return HeldOut(source, Opened(place, found.reader, found.dataset, fingerprint, settings), apart)


def _own_split(store: Store, name: str, settings: Settings) -> TargetDataset | None:
    """Return a split of the dataset of a store, if it has one of this name and nothing else has it."""
    if is_there(name) or "/" in name:
        return None
    with contextlib.suppress(DataError, OptionError, StoreError):
        return find_dataset(TargetPool(store, ""), str(locate(store, None)["data"]), name, settings)
    return None


def held_out_thumbnails(held: HeldOut) -> Column:
    """Return the column `images.32` of a held-out dataset; see `thumbnails`."""
    if not held.apart:
        return thumbnails(held.opened, _WHAT)
    store, settings = held.opened.store, held.opened.settings
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        if not store.holds_dataset(held.opened.fingerprint):
            store.write_dataset(held.dataset)
        return thumbnails(held.opened, _WHAT)


def thumbnails(opened: Opened, what: str) -> Column:
    """Return the column `images.32` of a dataset, computed if it is not there, and published.

    For the holder of the lock of the store, or of the one that it lies in.

    Raises
    ------
    RejectsError
        Images cannot be decoded, and the settings do not say to go on without them.
    """
    made = opened.pixels(SIDE)
    check_rejects(opened, opened.dataset.rejects | made.rejects, what)
    opened.store.publish(dataset=opened.fingerprint, columns={made.name: identity(made.recipe)})
    return made


def readable(opened: Opened, column: Column) -> Rows:
    """Return the rows that were scanned and decoded."""
    return np.setdiff1d(opened.dataset.usable, np.array(sorted(column.rejects), np.int64))
