"""EVA: how much the error of a sample moves, early in training and again at its end."""

from __future__ import annotations

import numpy as np

from prune.arrays import Scores, Trajectory
from prune.scorers.epochs import between, require_window


def eva(
    error: Trajectory, /, *, window: int = 10, first: int | None = None, last: int | None = None
) -> Scores:
    """Variance of the error ``‖p − onehot(y)‖₂`` in the first J epochs, plus that in the last J.

    Good at small budgets on small, noisy sets (the paper's are medical images), where scores of one moment
    mistake noise for difficulty. Bad at telling samples apart that never move, easy or hopeless.

    Parameters
    ----------
    error : (t, n)
        ``‖p − onehot(y)‖₂`` at each epoch; NaN where the sample has no label.
    window
        J, at least 2; cut to half of the epochs, so that the two windows never overlap.
    first, last
        Epochs from 1 to t: the early window begins at `first` and the late one ends at `last`. Default: the
        whole trace.

    Returns
    -------
    (n,)
        In ``[0, 2]``: 0 where the error stays as it is in both windows, high where it moves (uncertain).
        Variances are unbiased (divided by J − 1).

    Raises
    ------
    OptionError
        The trace has no such epoch, fewer than 4 are left, or `window` is below 2.

    References
    ----------
    Hong et al., "Evolution-aware VAriance (EVA) Coreset Selection for Medical Image Classification", ACM
    Multimedia 2024, arXiv:2406.05677.
    Differs: taken on a clean evaluation pass after each epoch, not on the training minibatches.
    """
    require_window(window, 2)
    errors = between(error, first, last, least=4)
    length = min(window, len(errors) // 2)
    early, late = (np.asarray(part, np.float64) for part in (errors[:length], errors[-length:]))
    return (early.var(axis=0, ddof=1) + late.var(axis=0, ddof=1)).astype(np.float32)
