"""Entropy: how undecided the proxy is, whatever the label says."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores, Trajectory
from prune.scorers.epochs import at_epoch


def entropy(entropy: Trajectory, /, *, epoch: int | None = None) -> Scores:
    """Entropy of the predicted distribution at one epoch, ``−Σ p log p``.

    Parameters
    ----------
    entropy : (t, n)
        ``−Σ p log p`` at each epoch, in nats; NaN where the sample could not be read.
    epoch
        From 1 to t. Default: the last.

    Returns
    -------
    (n,)
        In ``[0, log c]``: 0 where the proxy is certain, log c where all classes are equally likely (hard).

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Shannon, "A Mathematical Theory of Communication", 1948.
    Coleman et al., "Selection via Proxy", ICLR 2020, arXiv:1906.11829, for its use in choosing samples.
    """
    return at_epoch(entropy, epoch).astype(np.float32)
