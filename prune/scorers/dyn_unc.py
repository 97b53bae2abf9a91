"""Dyn-Unc: how much the probability of the label moves while the proxy learns."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import between, require_window, windows


def dyn_unc(
    p_label: Trajectory, /, *, window: int = 10, first: int | None = None, last: int | None = None
) -> Scores:
    """Mean over all windows of J epochs of the standard deviation of ``p_y`` in the window.

    Time O(t·J·n), memory O(J·n).

    Good for pruning a quarter or a third of a large set, where the paper loses nothing: what is always right
    and what is always wrong both go. Bad below half kept, and on traces of a few epochs, in which nearly
    everything is still being learnt.

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
        At least 0 and at most 0.71: 0 where the probability never changes, be the sample learned or hopeless;
        high where it swings (uncertain). Standard deviations are unbiased (divided by J − 1).

    Raises
    ------
    OptionError
        The trace has no such epoch, fewer than 2 are left, or `window` is below 2.

    References
    ----------
    He, Yang, Huang & Zhao, "Large-scale Dataset Pruning with Dynamic Uncertainty", CVPR Workshops 2024,
    arXiv:2306.05175.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    """
    require_window(window, 2)
    spreads = [part.std(axis=0, ddof=1) for part in windows(between(p_label, first, last, least=2), window)]
    return np.mean(spreads, axis=0).astype(np.float32)
