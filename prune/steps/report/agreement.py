"""Agreement of rankings: correlations between runs, and what more of them would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from prune.core.arrays import Array

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
    correlation = spearman(before, after)
    if math.isnan(correlation):
        known = np.isfinite(before) & np.isfinite(after)
        return np.array_equal(_ranks(before[known]), _ranks(after[known]))
    return correlation >= rho


def agreement(runs: Sequence[Array]) -> dict[str, Any]:
    """Return how runs of one score rank the samples alike.

    - between_runs: mean Spearman correlation ρ over all pairs of runs
    - of_mean: what two means of R runs each are expected to have, Rρ / (1 + (R − 1)ρ); None for ρ ≤ 0
    - enough: how many runs it takes for that to be 0.95; None where no number does
    - constant_runs: how many give all samples the same number, so that nothing can be compared; if any do

    Parameters
    ----------
    runs
        R ≥ 2 arrays of n samples; NaN where a sample has no score.

    References
    ----------
    Spearman, "Correlation calculated from faulty data", Br. J. Psychol. 1910; Brown, the same issue.
    """
    pairs = [spearman(one, two) for one, two in combinations(runs, 2)]
    constant = sum(_is_constant(scores) for scores in runs)
    return _foretold(pairs, len(runs)) | ({"constant_runs": constant} if constant else {})


class Repeats:
    """Whether the mean of the runs so far would rank the samples like the mean of as many others.

    The mean of R − 1 runs and that of R share R − 1 of them, so they agree however random the runs are.
    """

    def __init__(self) -> None:
        self._runs: list[Array] = []
        self._pairs: list[float] = []

    def add(self, scores: Array) -> None:
        """Take one more run, (n,)."""
        self._pairs += [spearman(scores, other) for other in self._runs]
        self._runs.append(scores)

    def stands(self, rho: float) -> bool:
        """Whether two such means are expected to correlate by `rho`, or every run is constant."""
        if len(self._runs) < 2:
            return False
        if all(_is_constant(scores) for scores in self._runs):
            return True
        correlation = _foretold(self._pairs, len(self._runs))["of_mean"]
        return correlation is not None and correlation >= rho


def _foretold(pairs: Sequence[float], count: int) -> dict[str, Any]:
    rho = float(np.mean(pairs))
    if not 0 < rho < 1:
        same = rho >= 1
        return {"between_runs": _finite(rho), "of_mean": 1.0 if same else None, "enough": 1 if same else None}
    enough = max(1, math.ceil(_GOOD * (1 - rho) / (rho * (1 - _GOOD)) - 1e-9))
    return {"between_runs": rho, "of_mean": count * rho / (1 + (count - 1) * rho), "enough": enough}


def fold_shift(scores: Array, folds: Sequence[Array]) -> float | None:
    """Return how far the median of a fold lies from the median of all at most, in quartile ranges.

    Folds are random, so only proxies that measure on another scale move it. None where medians differ but
    the quartile range is 0: there is nothing to compare them with.
    """
    low, middle, high = np.nanquantile(scores, [0.25, 0.5, 0.75])
    far = max(abs(float(np.nanmedian(scores[rows])) - float(middle)) for rows in folds)
    return far / float(high - low) if high > low else 0.0 if far == 0 else None


def _is_constant(scores: Array) -> bool:
    known = scores[np.isfinite(scores)]
    return not len(known) or bool((known == known[0]).all())


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
