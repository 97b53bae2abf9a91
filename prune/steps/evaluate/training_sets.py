"""What targets are trained on: selections, random sets of the same size, and everything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array, Rows, Weights
from prune.core.errors import OptionError
from prune.core.quota import groups, select_under_quota
from prune.core.selection import Selection
from prune.selectors.random import random
from prune.steps.evaluate.earlier_choices import columns_behind, quotas_behind, telling_quota
from prune.steps.rejects import all_rejects
from prune.store import Dataset, Store, StoredSelection, identity, outdated_by, read_selection

RANDOM, EVERYTHING = "random", "everything"
SELECTION = "(selection)"  # behind the name of one of the store, where the name alone means something else
_ABOUT = ("method", "asked", "options", "k", "from")  # of a stored selection, what goes with its cells


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Samples to train on."""

    spec: str  # a SPEC, `random` or `everything`
    asked: str | None  # the fraction that was asked for; None where the size is its own
    rows: Rows  # (k,) ascending
    weights: Weights | None = None  # (k,), of the loss; None where all are alike
    about: Mapping[str, Any] = field(default_factory=dict)  # how it was chosen: see `recipe`
    run: int | None = None  # of a random set: the seed that it was drawn for

    @property
    def recipe(self) -> dict[str, Any]:
        """What a training on it depends on."""
        weights = None if self.weights is None else _digest(self.weights.astype("<f4"))
        return {
            "spec": self.spec,
            "asked": self.asked,
            "k": len(self.rows),
            "rows": _digest(self.rows.astype("<i8")),
            "weights": weights,
        }


def digest_of(recipe: Mapping[str, Any]) -> str | None:
    """Return what stands for the samples of a set and their weights; None of random, drawn for each seed."""
    if recipe["spec"] == RANDOM:
        return None
    return identity({name: recipe[name] for name in ("rows", "weights")})


def digests_of_kept(store: Store, dataset: Dataset, chosen: StoredSelection) -> set[str | None]:
    """Return what stands for a selection in its cells: for all of it, or for what can be trained on."""
    usable = dataset.labels[chosen.rows] >= 0
    usable &= ~np.isin(chosen.rows, np.array(sorted(all_rejects(store, dataset)), np.int64))
    whole = TrainingSet("", None, chosen.rows, chosen.weights)
    return {digest_of(part.recipe) for part in (whole, trainable_part(whole, chosen.rows[usable]))}


def everything(rows: Rows) -> TrainingSet:
    """Return all samples that can be trained on."""
    return TrainingSet(EVERYTHING, None, rows)


def random_set(dataset: Dataset, rows: Rows, k: int, seed: int, run: int) -> TrainingSet:
    """Return a random set of k of the rows, every class in its proportion.

    It is the one that `prune select --method random --quota proportional` chooses by the seed `seed + run`.
    """
    keys = dataset.samples["key"]

    def draw(members: Rows, share: int | None) -> Selection:
        assert share is not None
        return random(keys.take(pa.array(members)).to_pylist(), k=share, seed=seed + run).at(members)

    chosen = select_under_quota(draw, groups(dataset.labels, rows, k, "proportional"))
    return TrainingSet(RANDOM, None, np.sort(chosen.rows), run=run)


def stored_set(store: Store, name: str) -> TrainingSet:
    """Return a selection of the store.

    Raises
    ------
    StoreError
        It is damaged.
    OptionError
        A column that decided it was made again since.
    """
    chosen = read_selection(store, name)
    column = outdated_by(store, chosen)
    if column is not None:
        raise OptionError(
            f"{column} was made again since the selection {name!r} was chosen by it",
            f"{chosen.again}   # then evaluate it",
        )
    about = {key: chosen.about[key] for key in _ABOUT if key in chosen.about}
    behind = {"from": columns_behind(store, name), "quota": telling_quota(quotas_behind(store, name))}
    words = name_in_cells(name)
    return TrainingSet(words, None, chosen.rows, chosen.weights, {**about, **behind, "selection": name})


def name_in_cells(name: str) -> str:
    """Return what a selection of the store is called in its cells: of `random` it says that it is a set."""
    return f"{name} {SELECTION}" if name == RANDOM else name


def _digest(values: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def trainable_part(chosen: TrainingSet, rows: Rows) -> TrainingSet:
    """Return what of a set is among these rows."""
    inside = np.isin(chosen.rows, rows)
    if inside.all():
        return chosen
    weights = None if chosen.weights is None else chosen.weights[inside]
    return replace(chosen, rows=chosen.rows[inside], weights=weights)
