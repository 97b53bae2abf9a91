"""Top and bottom: the samples with the highest or the lowest score."""

from __future__ import annotations

import numpy as np

from prune.arrays import Rows, Scores
from prune.selection import Selection


def top(scores: Scores, /, *, k: int) -> Selection:
    """Highest score first.

    Time O(n·log n), memory O(n). Good for keeping the hardest samples where much is kept and labels are
    right; bad at small budgets, where hard samples alone teach less than random ones, and with wrong labels,
    which are the hardest of all.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers.
    k
        In ``[1, n]``.

    Returns
    -------
    Gains are the scores, weights are 1. Ties by lower row.

    Raises
    ------
    ValueError
        A score is not a number, or k is not in ``[1, n]``.
    """
    _, n = ranked(scores, k), len(scores)
    rows = np.lexsort((np.arange(n), -scores))[:k]
    return Selection.of(rows, gains=scores[rows])


def bottom(scores: Scores, /, *, k: int) -> Selection:
    """Lowest score first.

    Time O(n·log n), memory O(n). Good for scores where low is hard (aum, confidence, margin), or for keeping
    the easiest samples at very small budgets; bad at keeping rare or difficult ones when high is hard.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers.
    k
        In ``[1, n]``.

    Returns
    -------
    Gains are the scores, weights are 1. Ties by lower row.

    Raises
    ------
    ValueError
        A score is not a number, or k is not in ``[1, n]``.
    """
    rows = ranked(scores, k)[:k]
    return Selection.of(rows, gains=scores[rows])


def ranked(scores: Scores, k: int) -> Rows:
    """All rows, lowest score first, ties by lower row; refuses what cannot be ranked."""
    _require_numbers(scores, k)
    return np.argsort(scores, kind="stable")


def require_finite(scores: Scores, k: int) -> None:
    """Raise `ValueError` for scores that are not finite numbers, and for a budget that does not fit."""
    _require_numbers(scores, k)
    if not np.isfinite(scores).all():
        raise ValueError(f"scores span [{scores.min()}, {scores.max()}]; they have to be finite")


def _require_numbers(scores: Scores, k: int) -> None:
    lost = np.flatnonzero(np.isnan(scores))
    if len(lost):
        raise ValueError(f"{len(lost)} of {len(scores)} scores are not numbers (first in row {lost[0]})")
    if not 1 <= k <= len(scores):
        raise ValueError(f"cannot keep {k} of {len(scores)} samples")
