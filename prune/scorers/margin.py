"""Margin: how close the two most likely classes are, whatever the label says."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import at_epoch


def margin(gap: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Lead of the most likely class over the second at one epoch, ``p₁ − p₂``.

    Parameters
    ----------
    gap : (t, n)
        ``p₁ − p₂`` at each epoch, the two largest probabilities; NaN where the sample could not be read.
    epoch
        From 1 to t. Default: the last.

    Returns
    -------
    (n,)
        In ``[0, 1]``: 1 where the proxy is certain (easy), 0 where two classes tie.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Scheffer, Decomain & Wrobel, "Active Hidden Markov Models for Information Extraction", IDA 2001.
    """
    return at_epoch(gap, epoch).astype(np.float32)
