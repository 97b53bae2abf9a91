"""EL2N: how far the predicted class probabilities are from the label, early in training."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.core.epochs import error_epoch
from prune.scorers.epochs import at_epoch


def el2n(error: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Length of the error vector at one early epoch, ``‖p − onehot(y)‖₂``.

    Parameters
    ----------
    error : (t, n)
        Length of the error vector at each epoch, in evaluation mode and without augmentation; NaN where the
        sample has none.
    epoch
        From 1 to t. Default: the 20th (a tenth of a full schedule), or six tenths of a trace of under 34
        epochs (the 6th of 10): at the end of a short schedule the error ranks as the loss does.

    Returns
    -------
    (n,)
        In ``[0, √2]``: 0 where the proxy is certain and right, √2 where it is certain and wrong.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Paul, Ganguli & Dziugaite, "Deep Learning on a Data Diet", NeurIPS 2021, arXiv:2107.07075.
    """
    return at_epoch(error, epoch, error_epoch(len(error))).astype(np.float32)
