"""Conditions of a selection: each a number, its limit, and whether it holds."""

from __future__ import annotations

import functools
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Labels, Rows
from prune.core.errors import GateError, OptionError, StoreError
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.steps.check.chosen_again import chosen_again, with_floor, with_shares_of_classes
from prune.steps.check.leaks import KINDS, Leaks, find_leaks
from prune.steps.check.near_texts import NEAR
from prune.steps.settings import Settings
from prune.store import Dataset, Store, read_selection
from prune.store.selections import StoredSelection

_ALIKE = 0.9  # from here on, JPEG quality 30 hides a copy among samples that are as like it


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One condition, looked at."""

    condition: str  # as it is typed, without its limit: --min-per-class
    value: float | None  # None where there is nothing to measure it by
    limit: float
    passed: bool
    detail: str  # in words
    listed: Sequence[Mapping[str, Any]] = field(default=())  # samples, where it is about some
    advice: str = ""  # what to type where it fails
    refused: int | None = None  # where it could not be looked at: the exit code of the error that kept it

    @property
    def exit_code(self) -> int:
        """0 where it holds, 5 where it does not, that of the error where nobody could look."""
        return self.refused or (0 if self.passed else GateError.exit_code)

    @property
    def described(self) -> dict[str, Any]:
        """All of it as JSON."""
        plain = {
            "condition": self.condition,
            "value": self.value,
            "limit": self.limit,
            "passed": self.passed,
            "detail": self.detail,
            "exit_code": self.exit_code,
        }
        advice = {"advice": self.advice} if self.advice and not self.passed else {}
        return plain | advice | ({"listed": list(self.listed)} if self.listed else {})


@dataclass(frozen=True)
class CheckedSelection:
    """A selection and the dataset that it was chosen from."""

    store: Store
    dataset: Dataset
    stored: StoredSelection
    settings: Settings

    @functools.cached_property
    def manifest(self) -> pa.Table:
        """One row per source sample."""
        return self.stored.manifest

    @functools.cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """(n,) whether a sample was kept."""
        kept: npt.NDArray[np.bool_] = self.manifest["selected"].to_numpy()
        return kept

    @property
    def rows(self) -> Rows:
        """(k,) ascending kept rows."""
        return np.flatnonzero(self.kept)

    @property
    def labels(self) -> Labels:
        """(n,) class ids.

        Raises
        ------
        OptionError
            No sample has a label.
        """
        labels = self.dataset.labels
        if not (labels >= 0).any():
            raise OptionError(
                f"the dataset of {self.store.path} has no labels, so no classes",
                "prune check --max-duplicates 0.01   # needs none",
            )
        return labels


def per_class(checked: CheckedSelection, least: int) -> Outcome:
    """Count the kept samples of the class that has fewest; a class that the dataset has none of is none."""
    had, kept = _by_class(checked)
    classes = np.flatnonzero(had)
    fewest = classes[np.argmin(kept[classes])]
    short = int((kept[classes] < least).sum())
    of = f"class {checked.dataset.classes[fewest]!r} keeps {kept[fewest]:,} of {had[fewest]:,}"
    others = f"; {counted(short, 'class')} below {least:,}" if short > 1 else ""
    value = int(kept[fewest])
    return Outcome(
        condition="--min-per-class",
        value=value,
        limit=least,
        passed=value >= least,
        detail=of + others,
        advice=_with_more_of_each(checked, least, had[classes]),
    )


def _with_more_of_each(checked: CheckedSelection, least: int, had: npt.NDArray[np.int64]) -> str:
    """Return the selection that keeps so many of each class; where a class has fewer, what can hold."""
    if had.min() >= least:
        return with_floor(checked.stored, least, least * len(had))
    words = ["prune", "check", "--selection", checked.stored.name, "--min-per-class", str(had.min())]
    return f"{in_store(shlex.join(words), str(checked.store.path))}   # a class has no more"


def class_shift(checked: CheckedSelection, most: float) -> Outcome:
    """Return the share of the kept samples that would be of other classes, were the shares as they were.

    That is half the sum of the changes of all shares (total variation): a change of one class by 0.1 is 0.1
    at least, and small changes of many classes add up.
    """
    had, kept = _by_class(checked)
    before, after = had / had.sum(), kept / max(kept.sum(), 1)
    change = after - before
    largest = int(np.argmax(np.abs(change)))
    value = float(np.abs(change).sum() / 2)
    name = checked.dataset.classes[largest]
    return Outcome(
        condition="--max-class-shift",
        value=value,
        limit=most,
        passed=value <= most,
        detail=f"most in class {name!r}: {100 * before[largest]:.3g} % → {100 * after[largest]:.3g} %",
        advice=with_shares_of_classes(checked.stored),
    )


def churn(checked: CheckedSelection, earlier: tuple[str, float]) -> Outcome:
    """Return the share that changed: of the larger of both selections, the samples that are not in both."""
    last, most = earlier
    before, now = set(_earlier_keys(checked, last)), set(_keys(checked))
    both, larger = len(before & now), max(len(before), len(now), 1)
    value = 1 - both / larger
    name, store = checked.stored.name, str(checked.store.path)
    if last in checked.store.state["selections"]:
        advice = in_store(shlex.join(["prune", "diff", last, name]), store)
    else:  # a file
        above = f"{math.ceil(100 * value) / 100:.2f}"
        again = shlex.join(["prune", "check", "--selection", name, "--churn", last, above])
        advice = f"{in_store(again, store)}   # would pass"
    return Outcome(
        condition=f"--churn {last}",
        value=value,
        limit=most,
        passed=value <= most,
        detail=f"{counted(both, 'sample')} of {len(now):,} kept were kept by {last}, of {len(before):,}",
        advice=advice,
    )


def no_leak(checked: CheckedSelection, source: str) -> Outcome:
    """Count the kept samples that are samples of a held-out dataset, or copies of them, and list them."""
    leaks = find_leaks(checked.store, source, checked.settings)
    listed = listed_leaks(leaks, checked.manifest["key"], checked.kept)
    kinds = [one["kind"] for one in listed]
    counts = ", ".join(f"{kinds.count(kind):,} {kind}" for kind in KINDS if kind in kinds)
    compared = f"of {counted(leaks.held_out, 'held-out sample')}"
    near = f"; {NEAR}" if checked.dataset.modality == "text" else ""
    if leaks.limit is not None and leaks.unlike is not None:
        near = f"; {measured(leaks.limit, leaks.unlike)}"
    return Outcome(
        condition=f"--no-leak {source}",
        value=len(listed),
        limit=0,
        passed=not listed,
        detail=(f"{counts} {compared}" if listed else f"none {compared}") + near,
        listed=listed,
        advice=chosen_again(checked.stored, {}, f"--drop-leaks {shlex.quote(source)}"),
    )


def measured(limit: float, unlike: float) -> str:
    """Say what counted as near, beside how much samples resemble that are no copies."""
    told = f"near is a likeness from {limit:.3g}, where other samples have {unlike:.2g}"
    return f"{told}: copies that were changed more are not told from them" if limit > _ALIKE else told


def listed_leaks(leaks: Leaks, keys: pa.ChunkedArray, kept: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return the leaks among kept samples: key, partner, kind and similarity, in the order of the dataset."""
    found = zip(leaks.rows.tolist(), leaks.partner_keys, leaks.kinds, leaks.similarity.tolist(), strict=True)
    return [
        {"key": keys[row].as_py(), "partner": partner, "kind": kind, "similarity": round(similarity, 4)}
        for row, partner, kind, similarity in found
        if kept[row]
    ]


def _by_class(checked: CheckedSelection) -> tuple[Rows, Rows]:
    """Return how many samples each class has, and how many are kept."""
    labels, classes = checked.labels, len(checked.dataset.classes)
    usable = checked.dataset.usable
    had = np.bincount(labels[usable][labels[usable] >= 0], minlength=classes)
    kept = labels[checked.rows]
    return had, np.bincount(kept[kept >= 0], minlength=classes)


def _keys(checked: CheckedSelection) -> list[str]:
    return list(checked.manifest["key"].filter(checked.manifest["selected"]).to_pylist())


def _earlier_keys(checked: CheckedSelection, last: str) -> list[str]:
    """Return the keys of a selection by name, or those of a file, one a line."""
    from prune.steps.select.request import keys_in

    try:
        table = read_selection(checked.store, last).manifest
    except StoreError:
        if Path(last).is_file():
            return keys_in(last)
        raise
    return list(table["key"].filter(table["selected"]).to_pylist())
