"""Stratified: an equal share of every stretch of the score, so that easy and hard are both kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prune.arrays import Scores
from prune.errors import OptionError
from prune.selection import Selection
from prune.selectors.top import ranked


def stratified(scores: Scores, /, *, k: int, seed: int, bins: int = 50) -> Selection:
    """An equal share of every equal-width bin of the score, drawn at random inside (CCS).

    Bins are visited from the smallest; each gives what it has, or an equal share of what is still to be kept.
    The paper first drops the hardest samples, which is `--drop-hardest` here. Time O(n·log n), memory O(n).

    Good for small budgets (30 % and below), where it keeps easy samples too; bad at scores with long tails,
    whose bins of equal width hold nearly everything in one.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers. The bins divide the range from the lowest to the highest; the highest belongs to
        the last bin.
    k
        In ``[1, n]``.
    seed
        Of the draw inside the bins.
    bins
        Number of bins, at least 1.

    Returns
    -------
    k rows, bin after bin from the lowest; not nested, since a smaller budget divides otherwise. Gains are 0,
    weights are 1.

    Raises
    ------
    OptionError
        There is no bin.
    ValueError
        A score is not finite, or k is not in ``[1, n]``.

    References
    ----------
    Zheng, Liu, Lai & Prakash, "Coverage-centric Coreset Selection for High Pruning Rates", ICLR 2023,
    arXiv:2210.15809.
    """
    ranked(scores, k)
    if bins < 1:
        raise OptionError(f"bins={bins} is not at least 1")
    if not np.isfinite(scores).all():
        raise ValueError(f"scores span [{scores.min()}, {scores.max()}], which has no bins of equal width")
    which = _bin_of(scores, bins)
    share = _shares(np.bincount(which, minlength=bins), k)
    draw = np.random.default_rng(seed).permutation(len(scores))
    order = draw[np.argsort(which[draw], kind="stable")]
    start = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=bins))[:-1]])
    inside = np.arange(len(scores)) - start[which[order]]
    return Selection.of(order[inside < share[which[order]]])


def _bin_of(scores: Scores, bins: int) -> npt.NDArray[np.int64]:
    values = scores.astype(np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return np.zeros(len(scores), np.int64)
    return np.minimum(((values - low) / (high - low) * bins).astype(np.int64), bins - 1)


def _shares(sizes: npt.NDArray[np.int64], k: int) -> npt.NDArray[np.int64]:
    share = np.zeros_like(sizes)
    for visited, b in enumerate(np.argsort(sizes, kind="stable")):
        share[b] = min(int(sizes[b]), (k - int(share.sum())) // (len(sizes) - visited))
    return share
