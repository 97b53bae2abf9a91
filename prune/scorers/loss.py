"""Loss: the cross-entropy of a sample."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import at_epoch


def loss(loss: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Cross-entropy of the label at one epoch, ``−log p_y``.

    Parameters
    ----------
    loss : (t, n)
        ``−log p_y`` at each epoch, from log-softmax; NaN where the sample has no label.
    epoch
        From 1 to t. Default: the last.

    Returns
    -------
    (n,)
        At least 0: 0 where the proxy is certain and right, large where it is sure of another class (hard).

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Loshchilov & Hutter, "Online Batch Selection for Faster Training of Neural Networks", 2016,
    arXiv:1511.06343.
    """
    return at_epoch(loss, epoch).astype(np.float32)
