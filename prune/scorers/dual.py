"""DUAL: samples that are uncertain and hard at once, seen early in training."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import between, require_window, windows


def dual(
    p_label: Trajectory, /, *, window: int = 10, first: int | None = None, last: int | None = None
) -> Scores:
    """Mean over all windows of J epochs of ``std(p_y)·(1 − mean(p_y))`` in the window.

    Time O(t·J·n), memory O(J·n).

    Good at 10 to 50 % kept, from a proxy of a fraction of the full schedule (the paper trains 30 of 200
    epochs), drawn with `beta`. Bad as it is, highest first, at small budgets: it takes the hardest samples
    that still move, wrong labels among them.

    Parameters
    ----------
    p_label : (t, n)
        ``p_y`` at each epoch; NaN where the sample has no label.
    window
        J, at least 2; cut to the number of epochs.
    first, last
        Epochs from 1 to t between which windows lie. Default: all.

    Returns
    -------
    (n,)
        At least 0 and below 0.4: 0 where the probability never changes; high where it swings and is low on
        the average (hard and uncertain). Standard deviations are unbiased (divided by J − 1).

    Raises
    ------
    OptionError
        The trace has no such epoch, fewer than 2 are left, or `window` is below 2.

    References
    ----------
    Cho et al., "Lightweight Dataset Pruning without Full Training via Example Difficulty and Prediction
    Uncertainty", ICML 2025, arXiv:2502.06905.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    """
    require_window(window, 2)
    parts = windows(between(p_label, first, last, least=2), window)
    worth = [part.std(axis=0, ddof=1) * (1 - part.mean(axis=0)) for part in parts]
    return np.mean(worth, axis=0).astype(np.float32)
