"""Confidence: the probability that the proxy gives to the label."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import at_epoch


def confidence(p_label: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Probability of the label at one epoch, ``p_y``.

    Parameters
    ----------
    p_label : (t, n)
        ``p_y`` at each epoch; NaN where the sample has no label.
    epoch
        From 1 to t. Default: the last.

    Returns
    -------
    (n,)
        In ``[0, 1]``: 1 where the proxy is certain and right (easy), 0 where it is certain and wrong.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Swayamdipta et al., "Dataset Cartography", EMNLP 2020, arXiv:2009.10795.
    Differs: one epoch, where the paper takes the mean over the epochs.
    """
    return at_epoch(p_label, epoch).astype(np.float32)
