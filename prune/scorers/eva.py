"""EVA: how much the error of a sample moves, early in training and again at its end."""

from __future__ import annotations

import math

import numpy as np

from prune.core.arrays import Array, Scores, Trajectory
from prune.scorers.epochs import between, require_window


def eva(
    error: Trajectory, /, *, window: int = 10, first: int | None = None, last: int | None = None
) -> Scores:
    """Variance of the error ``‖p − onehot(y)‖₂`` in the first J epochs and in the last J, as shares of all.

    Each variance is divided by the sum of those of all samples in the same window, and the two count ½ each:
    errors move many times more at the beginning than at the end, so that the early window would decide alone.

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
        In ``[0, 1]``, together 1: 0 where the error stays as it is in both windows, high where it moves
        (uncertain); their mean is one by the number of samples. NaN where the error is, and such samples are
        no part of the sums. A window in which no error moves adds nothing, and the sum is ½ or 0.

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
    return (0.5 * _shares(early) + 0.5 * _shares(late)).astype(np.float32)


def _shares(errors: Array) -> Array:
    """Return the variance of each sample by the sum of all, (n,); 0 where nothing varies."""
    variances: Array = errors.var(axis=0, ddof=1)
    total = math.fsum(variances[np.isfinite(variances)])  # exact: the order of the samples changes nothing
    return variances / total if total > 0 else variances
