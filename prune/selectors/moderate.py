"""Moderate: the samples of the most ordinary score, neither typical to a fault nor far out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prune.core.arrays import Scores
from prune.core.selection import Selection
from prune.selectors.top import ranked, require_finite, tied_at_cut


def moderate(scores: Scores, keys: Sequence[str], /, *, k: int, seed: int) -> Selection:
    """Nearest to the median of the score first, ``|score − median|``.

    Made for `class_median`, the distance of a sample to the middle of its class, and for one class at a time,
    which is what it does where samples have labels: half way out lies what is neither redundant nor wrong.
    Time O(n·log n), memory O(n).

    Good for data with wrong labels or corrupt images, with no training at all and nothing to tune; bad at
    small budgets, where the ring at the median distance says nothing about the middle or the edge, and at
    scores with most samples at one end, whose median is that end.

    Parameters
    ----------
    scores : (n,)
        Any finite numbers.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw between samples that are equally far from the median.

    Returns
    -------
    Gains are minus the distances to the median, weights are 1; a smaller budget is a prefix. Ties by
    the hash of seed and key. Facts: `median` and `tied_at_cut`.

    Raises
    ------
    ValueError
        A score is not finite, or k is not in ``[1, n]``.

    References
    ----------
    Xia et al., "Moderate Coreset: A Universal Method of Data Selection for Real-world Data-efficient Deep
    Learning", ICLR 2023.
    Differs: nearest in score, where the authors' code keeps the middle band of ranks, and class by class,
    where it ranks all classes together and so lets wide classes crowd out narrow ones.
    """
    require_finite(scores, k)
    values = scores.astype(np.float64)
    median = float(np.median(values))
    away = np.abs(values - median)
    rows = ranked(away, keys, k, seed)[:k]
    gains = -np.minimum(away[rows], np.finfo(np.float32).max)
    return Selection.of(rows, gains=gains, facts={"median": median, **tied_at_cut(away, rows)})
