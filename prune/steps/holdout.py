"""Held-out samples: a part of every class that is set aside before anything is scored, to be tested on.

What is held out has that as its reason in the sample table, as a damaged sample has its own, so that whatever
asks for usable samples never sees it: no score, no training, no selection, no export. The rule is a part of
how the dataset is read, which the store remembers.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array, Rows
from prune.core.errors import DataError, OptionError, StoreError
from prune.core.lots import lots
from prune.core.quota import share_count
from prune.store import HELD_OUT, SAMPLES, Dataset, Store, match_rows
from prune.store.layout import LOCATION
from prune.system import files

FRACTION, DRAWN = "holdout", "holdout_seed"  # among what a store remembers of how its dataset is read


@dataclass(frozen=True)
class Holdout:
    """The rule: which fraction of each class, and the seed that it is drawn by."""

    fraction: str  # a decimal over 0 and below 1, as short as it can be written
    seed: int

    @classmethod
    def read(cls, reading: Mapping[str, Any]) -> Holdout | None:
        """Return the rule among the words of how a dataset is read; None where nothing is held out."""
        if reading.get(FRACTION) is None:
            return None
        fraction = checked_holdout(reading[FRACTION])
        return cls(fraction, int(reading.get(DRAWN, 0))) if fraction != "0" else None

    @property
    def words(self) -> dict[str, Any]:
        """The rule as such words."""
        return {FRACTION: self.fraction, DRAWN: self.seed}


def checked_holdout(asked: str | float) -> str:
    """Return a fraction in its shortest form: `0.1` for `.10`.

    Raises
    ------
    OptionError
        It is no number, below 0, or leaves nothing to train on.
    """
    try:
        number = Decimal(str(asked))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or not 0 <= number < 1:
        raise OptionError(
            f"--holdout must be from 0 up to (not including) 1, not {asked}",
            "--holdout 0.1   # sets a tenth of each class aside",
        )
    return f"{number.normalize():f}" if number else "0"


def with_holdout(store: Store, reading: Mapping[str, Any], asked: Any, seed: int) -> dict[str, Any]:
    """Return how a dataset is read, with the rule that holds: as asked for, else as it was remembered.

    The same fraction asked for again is the part that is set aside already, whatever the seed is now.
    """
    plain = {name: value for name, value in reading.items() if name not in {FRACTION, DRAWN}}
    known = _remembered(store)
    rule = known
    if asked is not None:
        rule = Holdout.read({FRACTION: asked, DRAWN: seed})
        if rule is not None and known is not None and rule.fraction == known.fraction:
            rule = known
    return plain if rule is None else plain | rule.words


def _remembered(store: Store) -> Holdout | None:
    try:
        return Holdout.read(files.read_record(store.path / LOCATION)["reading"])
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError):  # what is wrong with the place, writing there will say
        pass
    with contextlib.suppress(StoreError):  # where that file is lost, the sample table knows it too
        return Holdout.read(store.dataset.holdout or {}) if store.exists() else None
    return None


def sides_of(store: Store, rule: Holdout | None, *, anew: bool = False) -> Dataset | None:
    """Return the dataset that a store is about, whose samples keep their side; None where all is drawn."""
    if rule is None or anew or not store.exists():
        return None
    known = store.state.get("dataset")
    before = None if known is None else store.earlier_dataset(known)
    return before if before is not None and before.holdout == rule.words else None


def set_aside(dataset: Dataset, rule: Holdout | None, before: Dataset | None = None) -> Dataset:
    """Return a dataset with a part of every class held out, by a hash of seed and key.

    Of a class, the fraction of its different images, rounded half up: one at least and never all; of a class
    with one image, none. Copies of an image are held out together, so that none of them is trained on.
    Samples without a label are not drawn. Time O(n log n), memory O(n).

    Parameters
    ----------
    before
        The dataset before it changed: an image that was there stays on its side, and of those that are new
        as many are drawn as the fraction of all then lacks.

    Raises
    ------
    DataError
        No sample has a label, or no class has two that differ.
    """
    if rule is None:
        return dataset
    usable, labels, originals = dataset.usable, dataset.labels, dataset.originals
    labelled = usable[labels[usable] >= 0]
    _, first = np.unique(originals[labelled], return_index=True)
    images = labelled[first]  # one sample of each image
    sides = np.zeros(len(images), np.int8) if before is None else _sides(dataset, images, before)
    drawn = _drawn(dataset, images, rule, sides)
    if not len(drawn):
        what = "no class has two different samples" if len(images) else "no sample has a label"
        raise DataError(
            f"--holdout {rule.fraction} sets a part of every class aside, and {what}", _UNLABELLED
        )
    rows = usable[np.isin(originals[usable], originals[drawn])]
    return replace(_with_reason(dataset, rows, HELD_OUT), holdout=rule.words)


_UNLABELLED = "leave --holdout out, or name labels: --labels FILE"


def _sides(dataset: Dataset, images: Rows, before: Dataset) -> Array:
    """Return which images were held out (1) and which were not (−1); 0 where an image is new, (m,)."""
    rows = match_rows(before, dataset).content[images]
    held: Array = np.zeros(len(before), np.int8)
    held[before.usable[before.labels[before.usable] >= 0]] = -1
    held[before.held_out] = 1
    return np.where(rows >= 0, held[rows], 0)


def _drawn(dataset: Dataset, images: Rows, rule: Holdout, sides: Array) -> Rows:
    """Return the images to hold out: of each class those that were, and of new ones the lowest lots."""
    keys = dataset.samples["key"].take(pa.array(images)).to_pylist()
    lot, labels = lots(keys, f"holdout\0{rule.seed}"), dataset.labels[images]
    chosen = [images[:0]]
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(max(share_count(float(rule.fraction), len(own)), 1), len(own) - 1)
        kept, new = own[sides[own] > 0], own[sides[own] == 0]
        lacking = max(count - len(kept), 0)
        chosen += [images[kept], images[new[np.argsort(lot[new], kind="stable")[:lacking]]]]
    return np.concatenate(chosen)


def held_out_part(dataset: Dataset) -> Dataset:
    """Return the held-out samples as a dataset: the same rows, of which the others are now set aside."""
    others, held = np.setdiff1d(dataset.usable, dataset.held_out), dataset.held_out
    return replace(_with_reason(_with_reason(dataset, others, HELD_OUT), held, None), holdout=None)


def _with_reason(dataset: Dataset, rows: Rows, reason: str | None) -> Dataset:
    reasons = dataset.samples["reason"].to_numpy(zero_copy_only=False).astype(object)
    reasons[rows] = reason
    place = SAMPLES.get_field_index("reason")
    column = pa.array(reasons, pa.string())
    return replace(dataset, samples=dataset.samples.set_column(place, SAMPLES.field("reason"), column))


def other_holdout(store: Store, old: Dataset, new: Dataset) -> StoreError:
    """Return what to say of a store whose samples were set aside in another way than is asked for now."""
    before, now = (None if one.holdout is None else one.holdout[FRACTION] for one in (old, new))
    anew = "add --refresh to embed or score to start over, or use another --store"
    if before is None:
        return StoreError(
            f"{store.path} was made of all {len(old)} samples, and --holdout {now} sets some aside first",
            anew,
        )
    again = shlex.join(["--holdout", str(before)])
    if now is None:
        return StoreError(f"{store.path} holds out {before} of each class", f"{again}, or {anew}")
    if before == now:
        return StoreError(f"{store.path} holds out {before} of each class, drawn by another seed", anew)
    return StoreError(
        f"{store.path} holds out {before} of each class, not {now}", f"leave --holdout out, or {anew}"
    )
