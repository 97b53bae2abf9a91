"""Which samples a live model is to be trained on next: prune's selectors, on the gradients of this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError, UnknownNameError
from prune.core.selection import Selection
from prune.loaders.adaptive_factors import GradientFactors
from prune.loaders.option_checks import one_of, whole_number
from prune.steps.select.arrays import select_rows
from prune.steps.settings import DEFAULTS, Settings

AdaptiveMethod = Literal["random", "gradmatch", "glister", "craig"]
Per = Literal["sample", "batch"]
_UPDATES = 1000  # of the loss that glister follows, a choice
_GLISTER = {"step": "sum", "epsilon": 0.01}  # as published code does it in training
_STAND_IN = 2048  # training samples whose loss glister lowers where no other samples are given


@dataclass(frozen=True, kw_only=True)
class AdaptiveChoice:
    """How to choose: the same for every round of a training.

    Attributes
    ----------
    method, options
        A selector, and options of it; `random` needs no model.
    per, batch
        Single samples, or batches of so many that are put together by lot and taken whole.
    """

    method: AdaptiveMethod
    per: Per
    batch: int
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings = DEFAULTS

    def __post_init__(self) -> None:
        if self.method not in get_args(AdaptiveMethod):
            raise UnknownNameError("adaptive method", self.method, get_args(AdaptiveMethod))
        one_of("per", self.per, Per)
        whole_number("batch", self.batch, 1)
        if self.per == "batch" and self.method == "glister":
            raise OptionError(
                "glister follows the loss sample by sample, and per='batch' has sums", "per='sample'"
            )

    def drawn(self, rows: Rows, k: int, seed: int) -> Rows:
        """Return k of the rows by lot, ascending."""
        found = select_rows(np.zeros((len(rows), 1), np.float32), method="random", k=k, seed=seed)
        return np.sort(rows[found.rows])

    def chosen(
        self, ours: GradientFactors, k: int, seed: int, target: GradientFactors | None = None
    ) -> tuple[Rows, Weights | None, dict[str, Any]]:
        """Return k rows, ascending, their weights (mean 1; None where they are alike), and facts."""
        words = {"method": self.method, "seed": seed, "settings": self.settings, **self.options}
        if self.method == "glister":
            words = {**_GLISTER, "every": max(1, k // _UPDATES), **words}
            if target is None:  # nothing says which classes count: all, as often as they come
                words, target = {"quota": "proportional", **words}, _stand_in(ours, seed)
        if target is not None and self.method != "craig":
            words["target"] = (target.errors, target.features)
        found = _WAYS[self.method, self.per](ours, k, words, self.batch)
        order = np.argsort(found.rows)
        weights = found.weights[order].astype(np.float64)
        scaled = (weights * (len(weights) / weights.sum())).astype(np.float32)
        alike = bool((scaled == scaled[0]).all())
        return ours.rows[found.rows[order]], None if alike else scaled, dict(found.facts)


def _stand_in(ours: GradientFactors, seed: int) -> GradientFactors:
    """Return a part of the samples by lot, of each class in its proportion, for a validation set."""
    n = len(ours.rows)
    words: _Words = {"method": "random", "labels": ours.labels, "quota": "proportional", "seed": seed}
    some = np.sort(select_rows(np.zeros((n, 1), np.float32), k=min(n, _STAND_IN), **words).rows)
    return GradientFactors(ours.rows[some], ours.labels[some], ours.errors[some], ours.features[some])


_Words = dict[str, Any]


def _by_sample(ours: GradientFactors, k: int, words: _Words, batch: int) -> Selection:
    del batch
    return select_rows(errors=ours.errors, features=ours.features, labels=ours.labels, k=k, **words)


def _matched_batches(ours: GradientFactors, k: int, words: _Words, batch: int) -> Selection:
    """Gradient matching of sums: the selector itself takes groups of consecutive samples."""
    lot = np.random.default_rng([words["seed"], 3]).permutation(len(ours.rows))
    found = select_rows(
        errors=ours.errors[lot], features=ours.features[lot], k=k, quota="none", batch=batch, **words
    )
    return Selection.of(lot[found.rows], found.gains, found.weights, found.facts)


def _stood_for_batches(ours: GradientFactors, k: int, words: _Words, batch: int) -> Selection:
    """Means of batches, which are no longer a product of two factors, as plain vectors."""
    m, width = len(ours.rows) // batch, ours.errors.shape[1] * (ours.features.shape[1] + 1)
    _require_room(m, width, words["settings"])
    lot = np.random.default_rng([words["seed"], 3]).permutation(len(ours.rows))[: m * batch].reshape(m, batch)
    need = -(-k // batch)
    if need > m:
        raise OptionError(f"{k} samples are more than {m} whole batches of {batch}", "a smaller batch=")
    means = np.empty((m, width), np.float32)
    for at, group in enumerate(lot):
        seen = np.concatenate([ours.features[group], np.ones((batch, 1), np.float32)], axis=1)
        means[at] = (ours.errors[group].T @ seen).ravel() / batch
    found = select_rows(means, k=need, quota="none", **words)
    rows = lot[found.rows].ravel()[:k]
    gains, weights = (np.repeat(part, batch)[:k] for part in (found.gains, found.weights))
    return Selection.of(rows, gains, weights, found.facts)


def _require_room(m: int, width: int, settings: Settings) -> None:
    if 8 * m * width > settings.memory_limit:
        raise OptionError(
            f"{m} mean gradients of {width:,} numbers are more than the memory allowed",
            "per='sample', which needs no gradients as such; or a larger batch=",
        )


_WAYS: dict[tuple[str, str], Callable[[GradientFactors, int, _Words, int], Selection]] = {
    ("gradmatch", "sample"): _by_sample,
    ("gradmatch", "batch"): _matched_batches,
    ("glister", "sample"): _by_sample,
    ("craig", "sample"): _by_sample,
    ("craig", "batch"): _stood_for_batches,
}
