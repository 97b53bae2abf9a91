"""TDDS: how unevenly the predictions of a sample drift from epoch to epoch, late windows counting most."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.core.errors import OptionError
from prune.scorers.epochs import between, require_window, windows


def tdds(
    divergence: Trajectory,
    /,
    *,
    window: int = 10,
    decay: float = 0.9,
    first: int | None = None,
    last: int | None = None,
) -> Scores:
    """Decayed sum over windows of ``‖d − mean(d)‖₂``, where d is the drift of the predictions at each step.

    The drift from epoch t to t + 1 is ``d = Σ_c |p_{t+1} (log p_{t+1} − log p_t)|``. A window of J epochs has
    J − 1 drifts, and the window that ends m epochs before the last counts ``decay·(1 − decay)^m``: at 0.9 the
    last window has 90 % of the weight, so the score is the unrest of the last J epochs, and `last` matters
    most. Time O(t·J·n), memory O(J·n).

    Good at small budgets in the paper's own protocol, which tunes the epochs and the window to the budget.
    Bad where predictions have settled: then what is left is rounding.

    Parameters
    ----------
    divergence : (t, n)
        The drift from the epoch before; that of the first epoch is not used. NaN where the sample could not
        be read. The label has no part in it.
    window
        J, at least 3; cut to the number of epochs.
    decay
        In ``(0, 1]``; 1 counts the last window alone.
    first, last
        Epochs from 1 to t between which windows lie. Default: all.

    Returns
    -------
    (n,)
        At least 0: 0 where predictions stay, or drift evenly; high where they jump (uncertain).

    Raises
    ------
    OptionError
        The trace has no such epoch, fewer than 3 are left, `window` is below 3, or `decay` is out of range.

    References
    ----------
    Zhang, Du, Li, Xie & Zhou, "Spanning Training Progress: Temporal Dual-Depth Scoring (TDDS) for Enhanced
    Dataset Pruning", CVPR 2024, arXiv:2311.13613.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    """
    require_window(window, 3)
    if not 0 < decay <= 1:
        raise OptionError(f"decay={decay} is not above 0 and at most 1", "decay=0.9 is what the paper takes")
    drifts = between(divergence, first, last, least=3)[1:]
    total = np.zeros(drifts.shape[1])
    for part in windows(drifts, window - 1):  # from the first on: older ones fade with every step
        total *= 1 - decay
        total += decay * np.sqrt(np.square(part - part.mean(axis=0)).sum(axis=0))
    return total.astype(np.float32)
