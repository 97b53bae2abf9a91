"""Subsets of training: which samples a proxy learns from, and which its trace is about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.quota import budgets, keep_count
from prune.store import Dataset


@dataclass(frozen=True)
class Share:
    """A part of the samples for one proxy."""

    recipe: Mapping[str, Any]  # how they were drawn, and a digest of the rows
    learnt: Rows  # it trains on them, as far as they have labels
    watched: Rows  # its trace is about them
    fold: int | str | None = None  # its trace is one of several of a run, and holds the watched rows only


def part_of(dataset: Dataset, usable: Rows, fraction: str, seed: int) -> Share:
    """Draw a random part of the usable samples, by seed and sample key, in the proportion of the classes.

    No class is left out while there is room for all; the order of the samples does not matter.

    Parameters
    ----------
    fraction
        In (0, 1), as a decimal; k is rounded as that of a selection.
    """
    k = keep_count(fraction, len(usable))
    groups, sizes = np.unique(dataset.labels[usable], return_inverse=True, return_counts=True)[1:]
    shares = budgets(sizes, k, "proportional", floor=1 if k >= len(sizes) else 0)
    order, place = _drawn(dataset, usable, groups, "part", seed)
    rows = np.sort(usable[order[place < shares[groups[order]]]])
    return _share({"kind": "part", "fraction": fraction, "seed": seed}, rows, rows)


def folds_of(dataset: Dataset, usable: Rows, count: int, seed: int, run: int) -> list[Share]:
    """Deal the usable samples into folds, by seed, run and sample key: sizes differ by one, also in a class.

    Raises
    ------
    OptionError
        A class has fewer samples than there are folds, so that a proxy might know nothing of it.
    """
    labels = dataset.labels[usable]
    classes, groups, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    least = int(np.argmin(sizes))
    if sizes[least] < count:
        name, size = dataset.classes[classes[least]], int(sizes[least])
        hint = f"--cross-fit {size}" if size > 1 else "leave --cross-fit out, or drop such classes"
        raise OptionError(
            f"--cross-fit {count} wants {count} samples of each class, but {name!r} has {size}", hint
        )
    order, _ = _drawn(dataset, usable, groups, "folds", seed, run)
    fold = np.empty(len(usable), np.int64)
    fold[order] = np.arange(len(usable)) % count
    recipe = {"kind": "fold", "folds": count, "seed": seed}
    return [_share({**recipe, "fold": k}, usable[fold != k], usable[fold == k], fold=k) for k in range(count)]


def drawn_again(dataset: Dataset, usable: Rows, recipe: Mapping[str, Any], run: int) -> Share:
    """Draw the part, or the fold of a run, that a recipe tells of: the same where these samples are."""
    if recipe["kind"] == "part":
        return part_of(dataset, usable, recipe["fraction"], recipe["seed"])
    share: int = recipe["fold"]
    return folds_of(dataset, usable, recipe["folds"], recipe["seed"], run)[share]


def control_of(dataset: Dataset, trained: Rows, seed: int) -> Share | None:
    """Draw what a control learns from, of the samples that a proxy trained on, and what it is asked about.

    It never trains on the latter, so that of them it says what that proxy says of samples that came later.
    None where there are too few samples.
    """
    learnt = part_of(dataset, trained, HALF, seed).learnt
    rest = np.setdiff1d(trained, learnt)
    if not len(rest):
        return None
    watched = part_of(dataset, rest, f"{min(1.0, ASKED / len(rest)):.6f}", seed).learnt
    recipe = {"kind": CONTROL, "part": HALF, "seed": seed, "fold": CONTROL}
    return _share(recipe, learnt, watched, CONTROL)


CONTROL = "control"  # the fold that its trace is
HALF = "0.5"  # of the samples that a proxy trained on: what a control of it trains on
ASKED = 1000  # samples at most that a control is asked about


def share_like(recipe: Mapping[str, Any], learnt: Rows, watched: Rows) -> Share:
    """Return other rows as a part, or as a fold, that was drawn so."""
    drawn = {name: value for name, value in recipe.items() if name != "rows"}
    return _share(drawn, learnt, watched, fold=drawn.get("fold"))


def _share(recipe: Mapping[str, Any], learnt: Rows, watched: Rows, fold: int | str | None = None) -> Share:
    digest = hashlib.sha256(b"|".join(rows.astype("<i8").tobytes() for rows in (learnt, watched)))
    return Share({**recipe, "rows": digest.hexdigest()}, learnt, watched, fold)


def _drawn(dataset: Dataset, rows: Rows, groups: Array, *facts: object) -> tuple[Rows, Rows]:
    """Return the order by group and then by lot, and the place of each in its group, in that order."""
    keys = dataset.samples["key"].take(rows).to_pylist()
    order = np.lexsort((lots(keys, "\0".join(map(str, facts))), groups))
    sizes = np.bincount(groups)
    return order, np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
