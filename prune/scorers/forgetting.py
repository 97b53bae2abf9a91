"""Forgetting: how often training unlearns a sample that it had right."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Scores, Trajectory
from prune.scorers.epochs import between


def forgetting(right: Trajectory, /, *, first: int | None = None, last: int | None = None) -> Scores:
    """Number of epochs at which the sample is wrong after it was right at the epoch before.

    Parameters
    ----------
    right : (t, n)
        1 where the proxy is right at that epoch and 0 where it is wrong; NaN where the sample has no label.
    first, last
        Epochs from 1 to t that are looked at; below, t is how many these are. Default: all.

    Returns
    -------
    (n,)
        A whole number from 0 (never forgotten) to t/2 (forgotten every other epoch), or t where the sample
        was never right: above every possible count, and finite, so that runs can be averaged.

    Raises
    ------
    OptionError
        The trace has no such epoch.

    References
    ----------
    Toneva et al., "An Empirical Study of Example Forgetting during Deep Neural Network Learning", ICLR 2019,
    arXiv:1812.05159.
    Differs: never-learned samples score t in place of infinity, and the flag `never` names them; whether a
    sample is right is asked once an epoch, on the whole data, and not when its minibatch comes by.
    """
    right = between(right, first, last)
    was_right = np.asarray(right) > 0
    counts = (was_right[:-1] & ~was_right[1:]).sum(axis=0).astype(np.float32)
    counts[never_learned(right)] = len(right)
    counts[np.isnan(right).any(axis=0)] = np.nan
    return counts


def never_learned(right: Trajectory, /, *, first: int | None = None, last: int | None = None) -> Array:
    """Whether the proxy was wrong at all these epochs, (n,) bool; false where the sample has no label."""
    return (np.asarray(between(right, first, last)) == 0).all(axis=0)
