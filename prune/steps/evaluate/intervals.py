"""Intervals of accuracies over seeds, and what they tell about a difference.

What an interval covers
    What another seed would change: first weights, order of the samples, augmentation, and, where a set is
    drawn anew for each seed, the draw of the set (random sets are; a selection is the same for all seeds).

What it does not cover
    Another test set: all seeds are measured on the same test samples, so a difference is one *on these*.
    Another scoring run: a selection made from another proxy's training is another selection.
    Another model, schedule or dataset.

Student's t: the spread is estimated from the same few seeds, and at three seeds the interval is 2.2 times as
wide as the normal one. It holds for accuracies that are about normal over seeds; a training that diverges
once in twenty seeds is not, and three seeds cannot show it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

BETTER: Literal["better"] = "better"
WORSE: Literal["worse"] = "worse"
NOT_TOLD_APART: Literal["not told apart"] = "not told apart"
Verdict = Literal["better", "worse", "not told apart"]

MOST_SEEDS = 100  # of an advice: nobody trains more to tell two selections apart


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean accuracy over seeds, and between which bounds, within 0 and 1, it would lie over all seeds.

    The bounds are None of fewer than two.
    """

    mean: float
    low: float | None
    high: float | None
    seeds: int

    def __str__(self) -> str:
        return in_percent(self.mean, self.low, self.high)


def in_percent(mean: float, low: float | None, high: float | None) -> str:
    """Return an accuracy in %: `74.10 ± 0.52`, or with both bounds where one is cut at 0 or 100."""
    middle = f"{100 * mean:.2f}"
    if low is None or high is None:
        return middle
    if low <= 0 or high >= 1:
        return f"{middle} [{100 * low:.2f}, {100 * high:.2f}]"
    return f"{middle} ± {50 * (high - low):.2f}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How much better than random, with the interval, what it tells, and how many more seeds would tell.

    `low` and `high` are None of fewer than two seeds. `more_seeds` is 0 where the two are told apart, and
    None where nothing is known of the spread or more than `MOST_SEEDS` would be needed.
    """

    mean: float
    low: float | None
    high: float | None
    verdict: Verdict
    more_seeds: int | None
    seeds: int
    paired: Literal[True] = True


def mean_interval(values: Sequence[float], level: float = 0.95, *, resolution: float = 0.0) -> Interval:
    """Return the mean of one accuracy a seed, with its interval.

    Parameters
    ----------
    values
        One a seed.
    level
        Of the interval, two-sided.
    resolution
        Of a value; see `paired_difference`.

    Raises
    ------
    ValueError
        No values, a value that is not finite, or a level not inside (0, 1).
    """
    sample = _checked(values, level)
    if len(sample) < 2:
        return Interval(mean=float(sample.mean()), low=None, high=None, seeds=len(sample))
    half = _quantile(len(sample) - 1, level) * math.sqrt(_variance(sample, resolution) / len(sample))
    middle = float(sample.mean())
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Interval(mean=middle, low=low, high=high, seeds=len(sample))


def paired_difference(
    method: Sequence[float], random: Sequence[float], level: float = 0.95, *, resolution: float = 0.0
) -> Difference:
    """Return method minus random, seed by seed: what both share of a seed cancels.

    Parameters
    ----------
    method, random
        One accuracy a seed, the same seeds in the same order.
    level
        Of the interval, two-sided: its lower end alone is a bound that (1 - level) / 2 of the cases miss.
        A gate on the lower end wants no more than that, or a level of 0.9 for 5 %.
    resolution
        The step between two accuracies, 1 / test samples. Two differences that are equal on a small test set
        are so by rounding; their spread is taken to be no less than what rounding hides.

    Raises
    ------
    ValueError
        Not one for one, none, a value that is not finite, or a level not inside (0, 1).
    """
    first, second = _checked(method, level), _checked(random, level)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} accuracies of the method, but {len(second)} of random")
    between = first - second
    seeds, middle = len(between), float(between.mean())
    if seeds < 2:
        return _unknown(middle, seeds)
    variance = _variance(between, resolution * math.sqrt(2))  # a difference of two rounded numbers

    def half(more: int) -> float:
        return _quantile(seeds + more - 1, level) * math.sqrt(variance / (seeds + more))

    return _told(middle, half, seeds)


def seeds_above(found: Difference, least: float, level: float = 0.95) -> int | None:
    """Return how many more seeds lift the lower end to a bound, mean and spread staying as they are.

    Parameters
    ----------
    found
        Of two seeds or more.
    least, level
        The bound; the level that the interval has.

    Returns
    -------
    int
        0 where it is there; None where the mean itself is below it, or over `MOST_SEEDS` would be needed.
    """
    assert found.low is not None, "an interval of several seeds has ends"
    if found.low >= least:
        return 0
    unit = (found.mean - found.low) * math.sqrt(found.seeds) / _quantile(found.seeds - 1, level)

    def low(more: int) -> float:
        return found.mean - unit * _quantile(found.seeds + more - 1, level) / math.sqrt(found.seeds + more)

    return next((more for more in range(1, MOST_SEEDS + 1) if low(more) >= least), None)


def _told(middle: float, half: Callable[[int], float], seeds: int) -> Difference:
    low, high = middle - half(0), middle + half(0)
    verdict: Verdict = BETTER if low > 0 else WORSE if high < 0 else NOT_TOLD_APART
    more = 0 if verdict != NOT_TOLD_APART else _more_seeds(abs(middle), half)
    return Difference(mean=middle, low=low, high=high, verdict=verdict, more_seeds=more, seeds=seeds)


def _unknown(middle: float, seeds: int) -> Difference:
    return Difference(
        mean=middle,
        low=None,
        high=None,
        verdict=NOT_TOLD_APART,
        more_seeds=None,
        seeds=seeds,
    )


def _more_seeds(distance: float, half: Callable[[int], float]) -> int | None:
    """Return the least number of further seeds that would tell, mean and spread staying as they are."""
    return next((more for more in range(1, MOST_SEEDS + 1) if half(more) < distance), None)


def _checked(values: Sequence[float], level: float) -> np.ndarray:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"one accuracy a seed, at least one, but shape {sample.shape}")
    if not np.isfinite(sample).all():
        raise ValueError(f"accuracies that are not finite: {sample[~np.isfinite(sample)].tolist()}")
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not inside (0, 1)")
    return sample


def _variance(sample: np.ndarray, resolution: float) -> float:
    """Return the variance over seeds, at least that of a value rounded to steps of `resolution`."""
    return max(float(sample.var(ddof=1)), resolution**2 / 12)


def _quantile(freedom: float, level: float) -> float:
    """Return what Student's t is below, of this many degrees of freedom, but for half of 1 - level."""
    from scipy.special import stdtrit  # takes most of a second to load

    return float(stdtrit(freedom, (1 + level) / 2))
