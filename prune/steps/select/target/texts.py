"""A target of texts, for methods that look at texts themselves: a dataset, or that of another store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from prune.core.errors import DataError, OptionError
from prune.modalities import MODALITIES
from prune.steps.dataset_session import Opened, reopened
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.select.by_class import SelectionTarget
from prune.steps.select.target.dataset import find_dataset
from prune.steps.select.target.file import holds_numbers, weights_of
from prune.steps.select.target.pool import TargetPool
from prune.steps.settings import Settings
from prune.steps.text_payloads import TEXTS, text_source, texts_of
from prune.store import Store


def open_text_target(
    store: Store, source: str, settings: Settings, *, weights: str | None = None, split: str | None = None
) -> SelectionTarget:
    """Return the texts that a selection from `store` is to match; the caller holds the store for writing.

    Parameters
    ----------
    source
        A dataset of texts, or a store that knows one.
    weights
        A .npy of one number a text of `source`, those included that cannot be used.
    split
        Of a dataset.

    Raises
    ------
    DataError
        The target cannot be read, or has no text that can be used, or no weight over 0.
    OptionError
        It is not of texts.
    RejectsError
        Some texts cannot be used, and `settings` do not say to go on without them.
    """
    if holds_numbers(source):
        raise OptionError(f"{source} holds numbers, and texts are to be matched", "name a --target of texts")
    pool = TargetPool(store, "")
    other = Store(source)
    if other.exists():
        if split is not None:
            raise OptionError(
                f"--target-split {split} is for a dataset, not for the store {source}", "leave it out"
            )
        reader, dataset = reopened(other, replace(settings, reading={}))
        rejects = all_rejects(other, dataset)
    else:
        found = find_dataset(pool, source, split, settings)
        reader, dataset = found.reader, found.dataset
        rejects = dict(dataset.rejects)
    ready = Opened(store, reader, dataset, dataset.fingerprint, settings)
    if text_source(ready) is None:
        held = MODALITIES[dataset.modality].plural
        raise OptionError(f"{source} is of {held}, and {TEXTS} are to be matched", "name a --target of texts")
    if not other.exists():
        check_rejects(ready, rejects, "target samples")
    rows = np.setdiff1d(dataset.usable, np.array(sorted(rejects), np.int64))
    if not len(rows):
        raise DataError("no sample of the target can be used", "name another --target")
    shares = None if weights is None else weights_of(Path(weights), len(dataset))[rows]
    if shares is not None and not shares.any():
        raise DataError(f"no sample of the target has a weight over 0 in {weights}")
    return SelectionTarget(texts_of(ready, rows), pool.named(dataset).labels[rows], shares)
