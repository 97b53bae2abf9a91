"""Labels in doubt: which to look at first, and where the wrong ones begin, if a score shows two kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Scores

Numbers: TypeAlias = npt.NDArray[np.float64]
Ranks: TypeAlias = npt.NDArray[np.int32]

_FEWEST = 200  # samples: fewer show no shape
_VALUES = 64  # fewer different scores are counts, which have no density
_BINS = 512
_TAIL = 0.001  # of the samples, at either end, that do not stretch the bins
_FLOOR = 1e-4  # of the highest: scores below it are as easy as one another
_APART = 2.3  # Ashman's D; over 2 two normals are apart, and clean labels came to 2.0 at most
_LEAST, _MOST = 0.02, 0.4  # of the samples: fewer may be a tail of clean ones, more are no exception
_STARTS = (0.5, 0.7, 0.8, 0.9, 0.95)  # quantiles that the two parts are first divided at
_ROUNDS = 300


@dataclass(frozen=True)
class Doubt:
    """The samples beyond a threshold, and how it was found."""

    mask: npt.NDArray[np.bool_]  # (n,), true where the label is doubted
    threshold: float | None  # of the score; None: no label is doubted
    rule: str


def doubt(
    scores: Scores, high: str, *, loses_beyond: float | None = None, probability: bool | None = None
) -> Doubt:
    """Return the samples that belong to the harder of two normal distributions, where there are clearly two.

    Wrong labels are hard in their own way: where they have been learned badly enough, the score's histogram
    has a second bump at the hard end. Two normal distributions are fitted to it: to the logarithm, for hard
    scores that are never negative, and to the log odds, for the confidence; samples so easy that they lie at
    the floor of that scale are left out of the fit. They count as two kinds of samples if they are apart,
    ``|μ₁ − μ₂| / √((σ₁² + σ₂²)/2) > 2.3`` (Ashman's D), if the harder one has 2 to 40 % of the samples, and
    if two are likelier than one by the Bayesian information criterion. The threshold is where the harder
    becomes the likelier, but never where the label still wins: AUM below 0, confidence below ½, loss above
    log 2, EL2N above √½. Otherwise no label is doubted: wrong ones may be there, but too few, or too little
    told apart by the proxy, to show. Time O(n·log n), memory O(n).

    Parameters
    ----------
    scores : (n,)
        Scores that are not finite are never doubted.
    high
        What a high score means: ``hard`` or ``easy``.
    loses_beyond
        The score at which another class than the label becomes the likelier; None: nobody knows.
    probability
        Whether it is the probability of the label. Where nobody says, easy scores from 0 to 1 are taken for
        such.

    Returns
    -------
    Doubt
        The mask, the threshold in units of the score, and a sentence.

    Raises
    ------
    ValueError
        `high` does not say which end is hard.

    References
    ----------
    Ashman, Bird & Zepf, "Detecting bimodality in astronomical datasets", Astron. J. 108, 1994.
    Arazo et al., "Unsupervised Label Noise Modeling and Loss Correction", ICML 2019, arXiv:1904.11238, for a
    mixture of two over the loss.
    """
    _require_direction(high)
    values = np.asarray(scores, np.float64)
    finite = np.isfinite(values)
    none = np.zeros(len(values), bool)
    if finite.sum() < _FEWEST:
        return Doubt(none, None, f"{finite.sum()} samples are too few to show a threshold")
    if (kinds := len(np.unique(values[finite]))) < _VALUES:
        return Doubt(none, None, f"{kinds} different scores are too few to show a threshold")
    hardness, floor = _hardness(values[finite], high, probability is not False)
    place, fit = _parting(hardness, floor)
    if place is None:
        return Doubt(none, None, f"the scores are of one kind ({fit})")
    mask = none.copy()
    mask[finite] = (hardness > place) & _loses(values[finite], high, loses_beyond)
    if not mask.any():
        return Doubt(none, None, f"no label loses beyond the threshold ({fit})")
    threshold = float(values[mask].min() if high == "hard" else values[mask].max())
    side = "from" if high == "hard" else "up to"
    return Doubt(mask, threshold, f"{side} {threshold:.4g}, where the second kind begins ({fit})")


def suspect_ranks(scores: Scores, high: str, lots: Callable[[], npt.NDArray[np.uint64]]) -> Ranks:
    """Return the place of each label in the order to look at them: 0 is the most suspect, −1 has no score.

    The hard end of the score first. There is always an order, also where `doubt` finds no threshold. Time
    O(n·log n), memory O(n).

    Parameters
    ----------
    scores : (n,)
        Those that are no number get no place.
    high
        What a high score means: ``hard`` or ``easy``.
    lots
        A number a sample, by which equal scores are ordered; asked for where there are such.

    Raises
    ------
    ValueError
        `high` does not say which end is hard.
    """
    _require_direction(high)
    known = np.flatnonzero(~np.isnan(scores))
    ease = np.asarray(scores, np.float64)[known] * (1 if high == "easy" else -1)
    tied = len(np.unique(ease)) < len(ease)
    order = np.lexsort((lots()[known], ease)) if tied else np.argsort(ease, kind="stable")
    ranks = np.full(len(scores), -1, np.int32)
    ranks[known[order]] = np.arange(len(known), dtype=np.int32)
    return ranks


def _require_direction(high: str) -> None:
    if high not in {"hard", "easy"}:
        raise ValueError(f"a score whose high values are {high!r} does not say which end is hard")


def _loses(values: Numbers, high: str, beyond: float | None) -> npt.NDArray[np.bool_]:
    """Return where another class wins, as far as the score tells; everywhere, if it does not."""
    if beyond is None:
        return np.ones(len(values), bool)
    return values > beyond if high == "hard" else values < beyond


def _hardness(values: Numbers, high: str, probability: bool) -> tuple[Numbers, float]:
    """Return numbers on a scale without ends, high where hard, and the floor that the easiest are cut at."""
    within = values.min() >= 0 and values.max() <= 1
    if high == "easy" and within and probability:
        odds = np.clip(values, _FLOOR, 1 - _FLOOR)
        return np.log1p(-odds) - np.log(odds), float(np.log(_FLOOR) - np.log1p(-_FLOOR))
    if high == "easy" or values.min() < 0:
        return -values if high == "easy" else values, -np.inf
    floor = _FLOOR * max(float(np.quantile(values, 1 - _TAIL)), 1e-30)
    return np.log(np.maximum(values, floor)), float(np.log(floor))


def _parting(hardness: Numbers, floor: float) -> tuple[float | None, str]:
    """Return where the harder of two kinds begins, None if there is one; and the fit in words."""
    every = len(hardness)
    hardness = hardness[hardness > floor + 1e-6]  # those at the floor have a place there, but no spread
    if len(hardness) < _FEWEST:
        return None, f"{every - len(hardness)} of {every} lie at the easy end"
    low, high = np.quantile(hardness, [_TAIL, 1 - _TAIL])
    if not low < high:
        return None, "most are equal"
    counts, edges = np.histogram(np.clip(hardness, low, high), _BINS)
    x, n = (edges[1:] + edges[:-1]) / 2, len(hardness)
    fits = [_fitted(x, counts, float(np.quantile(hardness, start))) for start in _STARTS]
    likelihood, part, mean, spread = max(fits, key=lambda fit: fit[0])
    easy, hard = np.argsort(mean, kind="stable")
    apart = float((mean[hard] - mean[easy]) / np.sqrt((spread**2).mean()))
    alone = _log_density(x, np.average(x, weights=counts), np.sqrt(_variance(x, counts))) @ counts
    harder = part[hard] * len(hardness) / every
    fit = f"of two normals, D {apart:.2f}, the harder has {100 * harder:.3g} %"
    surer = 2 * (likelihood - alone) > 3 * np.log(n)
    if apart <= _APART or not _LEAST <= harder <= _MOST or not surer:
        return None, fit
    between = x[(x > mean[easy]) & (x < mean[hard])]
    odds = [np.log(part[i]) + _log_density(between, mean[i], spread[i]) for i in (hard, easy)]
    likelier = np.flatnonzero(odds[0] > odds[1])
    return float(between[likelier[0]] if len(likelier) else mean[hard]), fit


def _fitted(x: Numbers, counts: Numbers, cut: float) -> tuple[float, Numbers, Numbers, Numbers]:
    """Fit two normals to a histogram, beginning from a cut: log likelihood, parts, means, deviations."""
    share = np.stack([x <= cut, x > cut]).astype(np.float64)
    least = 0.01 * np.sqrt(_variance(x, counts))
    for _ in range(_ROUNDS):
        mass = share @ counts + 1e-9
        mean = share @ (counts * x) / mass
        spread = np.sqrt((share * (x - mean[:, None]) ** 2) @ counts / mass)
        spread = np.maximum(spread, least)
        part = mass / mass.sum()
        logs = np.log(part)[:, None] + _log_density(x, mean[:, None], spread[:, None])
        total = np.logaddexp(*logs)
        share = np.exp(logs - total)
    return float(total @ counts), part, mean, spread


def _log_density(x: Numbers, mean: Numbers, spread: Numbers) -> Numbers:
    return -0.5 * ((x - mean) / spread) ** 2 - np.log(spread * np.sqrt(2 * np.pi))


def _variance(x: Numbers, counts: Numbers) -> float:
    mean = np.average(x, weights=counts)
    return float(np.average((x - mean) ** 2, weights=counts))
