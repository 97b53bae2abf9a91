"""Top and bottom: the samples with the highest or the lowest score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.space import Sums


def top(scores: Scores, keys: Sequence[str], /, *, k: int, seed: int) -> Selection:
    """Highest score first.

    Time O(n·log n), memory O(n). Good for keeping the hardest samples where much is kept and labels are
    right; bad at small budgets, where hard samples alone teach less than random ones, and with wrong labels,
    which are the hardest of all.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw between equal scores.

    Returns
    -------
    Gains are the scores, weights are 1. Equal scores are ordered by the hash of seed and key, as `random`
    draws: folders lie class by class, and by row a tie would be decided by class. Facts: `tied_at_cut`.

    Raises
    ------
    ValueError
        A score is not a number, or k is not in ``[1, n]``.
    """
    rows = ranked(-scores, keys, k, seed)[:k]
    return Selection.of(rows, gains=scores[rows], facts=tied_at_cut(scores, rows))


def bottom(scores: Scores, keys: Sequence[str], /, *, k: int, seed: int) -> Selection:
    """Lowest score first.

    Time O(n·log n), memory O(n). Good for scores where low is hard (aum, confidence, margin), or for keeping
    the easiest samples at very small budgets; bad at keeping rare or difficult ones when high is hard.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw between equal scores.

    Returns
    -------
    Gains are the scores, weights are 1. Equal scores are ordered by the hash of seed and key, as `random`
    draws: folders lie class by class, and by row a tie would be decided by class. Facts: `tied_at_cut`.

    Raises
    ------
    ValueError
        A score is not a number, or k is not in ``[1, n]``.
    """
    rows = ranked(scores, keys, k, seed)[:k]
    return Selection.of(rows, gains=scores[rows], facts=tied_at_cut(scores, rows))


def ranked(scores: Scores, keys: Sequence[str], k: int, seed: int) -> Rows:
    """All rows, lowest score first, equal ones by the hash of seed and key; refuses what cannot be ranked."""
    require_numbers(scores, k)
    return np.lexsort((lots(keys, str(seed)), scores))


def tied_at_cut(scores: Scores | Sums, rows: Rows) -> dict[str, Any]:
    """Return {"tied_at_cut": how many samples have the score of the last taken, if only some were taken}.

    Parameters
    ----------
    scores : (n,)
        Or any numbers that samples are ranked by.
    rows
        Those taken, the last one last.
    """
    if not len(rows):
        return {"tied_at_cut": 0}
    last = scores[rows[-1]]
    tied = int((scores == last).sum())
    return {"tied_at_cut": 0 if int((scores[rows] == last).sum()) == tied else tied}


def require_finite(scores: Scores, k: int) -> None:
    """Raise `ValueError` for scores that are not finite numbers, and for a budget that does not fit."""
    require_numbers(scores, k)
    if not np.isfinite(scores).all():
        raise ValueError(f"scores span [{scores.min()}, {scores.max()}]; they have to be finite")


def require_numbers(scores: Scores, k: int) -> None:
    """Raise `ValueError` for scores that are NaN, and for a budget that does not fit."""
    lost = np.flatnonzero(np.isnan(scores))
    if len(lost):
        raise ValueError(f"{len(lost)} of {len(scores)} scores are not numbers (first in row {lost[0]})")
    if not 1 <= k <= len(scores):
        raise ValueError(f"cannot keep {k} of {len(scores)} samples")
