"""How far a ranking is to be trusted: correlations between runs, and what more of them would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from prune.arrays import Array

_GOOD = 0.95  # correlation of two means of runs at which they are as good as one another


def spearman(first: Array, second: Array) -> float:
    """Return the rank correlation of two scores, in [−1, 1], over samples that are finite in both.

    Ties share the mean of their ranks. NaN where a score is constant, or there are fewer than two samples.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(known) < 2:
        return math.nan
    one, two = _ranks(first[known]), _ranks(second[known])
    one, two = one - one.mean(), two - two.mean()
    scale = math.sqrt(float(one @ one) * float(two @ two))
    return float(one @ two) / scale if scale else math.nan


def stands(before: Array, after: Array, rho: float) -> bool:
    """Whether a ranking has not moved: correlated by at least `rho`, or constant before and after."""
    found = spearman(before, after)
    if math.isnan(found):
        known = np.isfinite(before) & np.isfinite(after)
        return np.array_equal(_ranks(before[known]), _ranks(after[known]))
    return found >= rho


def agreement(runs: Sequence[Array]) -> dict[str, Any]:
    """Return how runs of one score rank the samples alike.

    - between_runs: mean Spearman correlation ρ over all pairs of runs
    - of_mean: what two means of R runs each are expected to have, Rρ / (1 + (R − 1)ρ); None for ρ ≤ 0
    - enough: how many runs it takes for that to be 0.95; None where no number does

    Parameters
    ----------
    runs
        R ≥ 2 arrays of n samples; NaN where a sample has no score.

    References
    ----------
    Spearman, "Correlation calculated from faulty data", Br. J. Psychol. 1910; Brown, the same issue.
    """
    pairs = [spearman(one, two) for one, two in combinations(runs, 2)]
    rho, count = float(np.mean(pairs)), len(runs)
    if not 0 < rho < 1:
        same = rho >= 1
        return {"between_runs": _finite(rho), "of_mean": 1.0 if same else None, "enough": 1 if same else None}
    enough = max(1, math.ceil(_GOOD * (1 - rho) / (rho * (1 - _GOOD)) - 1e-9))
    return {"between_runs": rho, "of_mean": count * rho / (1 + (count - 1) * rho), "enough": enough}


def fold_shift(scores: Array, folds: Sequence[Array]) -> float:
    """Return how far the median of a fold lies from the median of all at most, in quartile ranges.

    Folds are random, so only proxies that measure on another scale move it.
    """
    low, middle, high = np.nanquantile(scores, [0.25, 0.5, 0.75])
    far = max(abs(float(np.nanmedian(scores[rows])) - float(middle)) for rows in folds)
    return far / float(high - low) if high > low else 0.0 if far == 0 else math.inf


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
