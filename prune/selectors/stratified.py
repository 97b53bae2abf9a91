"""Stratified: an equal share of every stretch of the score, so that easy and hard are both kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows, Scores
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.quota import share_count
from prune.core.selection import Selection
from prune.selectors.top import require_finite

Lots: TypeAlias = npt.NDArray[np.uint64]  # (n,)

# The share of the hardest that the paper leaves out, by the fraction pruned; none of nothing.
_PRUNED = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9)
_PUBLISHED: Mapping[str, tuple[float, ...]] = {
    "cifar10": (0.0, 0.0, 0.0, 0.1, 0.1, 0.3),
    "cifar100": (0.0, 0.1, 0.2, 0.2, 0.4, 0.5),
    "imagenet": (0.0, 0.0, 0.1, 0.2, 0.2, 0.3),
}
_LARGE = 200_000  # samples from which `auto` takes the row of ImageNet

ONE_FOR_ALL = (
    "classes differ in size by {ratio:.3g} times, and stratified bins all of them together: at 1 % kept of "
    "CTU-13 accuracy fell by 7.59 % that way, and by 2.58 % class by class (Tsai, Zheng & Prakash, 2025, "
    "arXiv:2507.10904). Try --quota proportional"
)


def stratified(
    scores: Scores,
    keys: Sequence[str],
    /,
    *,
    k: int,
    seed: int,
    bins: int = 50,
    cutoff: str = "auto",
    hard: Literal["high", "low"] | None = None,
) -> Selection:
    """An equal share of every equal-width bin of the score, drawn at random inside (CCS).

    First the hardest samples are left out, as many as `cutoff` says: wrong labels are among them, and at
    small budgets they teach least. Then the bins are visited from the smallest; each gives what it has, or an
    equal share of what is still to be kept. Drawn by seed and key, so the order of the dataset does not
    matter. Time O(n·log n), memory O(n).

    The published cutoffs, by fraction pruned; between them, on a straight line:

    - `cifar10`: 0 up to 50 %, 0.1 at 70 and 80 %, 0.3 at 90 %
    - `cifar100`: 0.1 at 30 %, 0.2 at 50 and 70 %, 0.4 at 80 %, 0.5 at 90 %
    - `imagenet`: 0 up to 30 %, 0.1 at 50 %, 0.2 at 70 and 80 %, 0.3 at 90 %

    The authors searched for them on those data, with AUM as the score: a place to begin, and a number of your
    own is worth a search. An explicit `--drop-hardest` takes the place of the cutoff.

    Good for small budgets (30 % and below), where it keeps easy samples too; bad at scores with long tails,
    whose bins of equal width hold nearly everything in one, and without `--quota proportional` where classes
    differ in difficulty.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers. The bins divide the range from the lowest to the highest that is not cut off; the
        highest belongs to the last bin.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw inside the bins.
    bins
        Number of bins, at least 1.
    cutoff
        The share of the n samples to leave out, from 0 up to 1; a row of the table; `none`; or `auto`: the
        row `cifar10`, from 200,000 samples `imagenet`. Under a quota, a share of each class, by the row of
        all of them.
    hard
        Which end of the score is hard; default: as the score says, and where nobody says, nothing is cut.

    Returns
    -------
    k rows, bin after bin from the lowest; not nested, since a smaller budget divides otherwise. Gains are 0,
    weights are 1. Facts: `cutoff`, the share that was left out, and `dropped`, the rows.

    Raises
    ------
    OptionError
        There is no bin; `cutoff` is neither a name nor a share, leaves fewer than k samples, or is a share
        where nobody says which end is hard.
    ValueError
        A score is not finite, or k is not in ``[1, n]``.

    References
    ----------
    Zheng, Liu, Lai & Prakash, "Coverage-centric Coreset Selection for High Pruning Rates", ICLR 2023,
    arXiv:2210.15809.
    """
    require_finite(scores, k)
    if bins < 1:
        raise OptionError(f"bins={bins} is not at least 1")
    share = _cutoff(cutoff, k, len(scores), hard)
    lot = lots(keys, f"{seed} stratified")
    kept, dropped = _cut(scores, lot, share, k, hard)
    rows = kept[_drawn(scores[kept], lot[kept], k, bins)]
    return Selection.of(rows, facts={"cutoff": share, "dropped": dropped})


def published(cutoff: str, n: int) -> str:
    """Return the row of the table that `auto` stands for, with n samples in all; else `cutoff`."""
    if cutoff != "auto":
        return cutoff
    return "imagenet" if n >= _LARGE else "cifar10"


def _cutoff(cutoff: str, k: int, n: int, hard: str | None) -> float:
    if cutoff == "none":
        return 0.0
    name = published(cutoff, n)
    if name in _PUBLISHED:
        return round(float(np.interp(1 - k / n, _PRUNED, _PUBLISHED[name])), 4) if hard else 0.0
    try:
        share = float(cutoff)
    except ValueError:
        share = np.nan
    if not 0 <= share < 1:
        known = ", ".join(["auto", "none", *_PUBLISHED])
        raise OptionError(f"cutoff={cutoff} is not a share from 0 up to 1", f"cutoff=0.1, or one of {known}")
    if share and hard is None:
        raise OptionError(
            f"cutoff={cutoff} cuts off the hard end, and the score does not say which",
            "--set hard=high, or low",
        )
    if share_count(share, n) > n - k:
        raise OptionError(
            f"cutoff={cutoff} leaves {n - share_count(share, n)} of {n} samples, fewer than the {k} to keep",
            "a lower cutoff, or keep fewer",
        )
    return share


def _cut(scores: Scores, lot: Lots, share: float, k: int, hard: str | None) -> tuple[Rows, Rows]:
    """Return the rows that stay, and those that are cut off; both ascend."""
    count = min(share_count(share, len(scores)), len(scores) - k)
    order = np.lexsort((lot, -scores if hard == "high" else scores))
    return np.sort(order[count:]), np.sort(order[:count])


def _drawn(scores: Scores, lot: Lots, k: int, bins: int) -> Rows:
    which = _bin_of(scores, bins)
    share = _shares(np.bincount(which, minlength=bins), k)
    order = np.lexsort((lot, which))
    start = np.concatenate([[0], np.cumsum(np.bincount(which, minlength=bins))[:-1]])
    inside = np.arange(len(scores)) - start[which[order]]
    return order[inside < share[which[order]]]


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
