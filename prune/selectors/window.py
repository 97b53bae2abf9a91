"""Window: the samples of middling score, neither the easiest nor the hardest."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.selectors.top import ranked


def window(
    scores: Scores, keys: Sequence[str], /, *, k: int, seed: int, lo: float = 0.0, hi: float = 1.0
) -> Selection:
    """The k samples in the middle of the ranks from lo·n to hi·n, lowest score at 0.

    Time O(n·log n), memory O(n). Good for leaving out both the wrong labels and what is learned anyway; bad
    at telling how wide that is: lo and hi have to be tried.

    Taken from the middle outwards, the lower rank first, so that a smaller budget is a narrower window around
    the same middle.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers; ranks ascend, equal scores by the hash of seed and key.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw between equal scores.
    lo, hi
        The band, as fractions of n, rounded half up; ``0 ≤ lo < hi ≤ 1``.

    Returns
    -------
    Gains are the scores, weights are 1. Facts: `tied_at_cut`, samples with the score of either end of what
    was taken, where only some of them were.

    Raises
    ------
    OptionError
        The band is empty, leaves ``[0, 1]``, or has fewer than k samples.
    ValueError
        A score is not a number, or k is not in ``[1, n]``.
    """
    order = ranked(scores, keys, k, seed)
    if not 0 <= lo < hi <= 1:
        raise OptionError(f"the window from lo={lo} to hi={hi} is not a band between 0 and 1")
    band = order[_rank(lo, len(scores)) : _rank(hi, len(scores))]
    if len(band) < k:
        raise OptionError(
            f"the window from lo={lo} to hi={hi} has {len(band)} samples, fewer than the {k} to keep",
            "widen lo and hi, or keep fewer",
        )
    twice = np.abs(2 * np.arange(len(band)) - (len(band) - 1))  # steps of half a rank from the middle
    rows = band[np.argsort(twice, kind="stable")[:k]]
    return Selection.of(rows, gains=scores[rows], facts=_tied_at_ends(scores, rows))


def _tied_at_ends(scores: Scores, rows: Rows) -> dict[str, Any]:
    ends = {float(scores[rows].min()), float(scores[rows].max())}
    tied = [(int((scores == end).sum()), int((scores[rows] == end).sum())) for end in ends]
    return {"tied_at_cut": sum(all_of_them for all_of_them, taken in tied if taken < all_of_them)}


def _rank(part: float, n: int) -> int:
    return int(
        Fraction(repr(float(part))) * n + Fraction(1, 2)
    )  # the decimal that was typed, not its float64
