"""Samples that coincide: which of them are taken is drawn by seed and key, not by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from prune.core.arrays import Rows
from prune.core.lots import lots
from prune.core.selection import Selection


def exchanged(
    chosen: Selection, free: Rows, groups: Rows, keys: Callable[[Rows], Sequence[str]], seed: int
) -> Selection:
    """Let the samples of every group be taken in the order of the hash of seed and key.

    Methods take the lower row of two that are equal, and rows lie class by class: of many that coincide, as
    blank images and gradients of zero do, the first classes would be kept and the last lost. The t-th that is
    taken of a group becomes the t-th by lot, which changes no sum, distance or gain, and leaves a smaller
    budget a prefix.

    Parameters
    ----------
    chosen
        Of a method that cannot tell the samples of a group from one another.
    free : (m,)
        All that could have been taken, ascending.
    groups : (n,)
        Equal for samples that coincide.
    keys
        Stable names of the samples at some rows.
    """
    group = groups[free]
    _, which, sizes = np.unique(group, return_inverse=True, return_counts=True)
    if sizes.max(initial=1) == 1:
        return chosen
    lot = np.zeros(len(free), np.uint64)
    shared = np.flatnonzero(sizes[which] > 1)
    lot[shared] = lots(keys(free[shared]), str(seed))
    members = free[np.lexsort((lot, which))]
    starts = np.cumsum(sizes) - sizes
    taken = which[np.searchsorted(free, chosen.rows)]
    order = np.argsort(taken, kind="stable")
    turn = np.empty(len(taken), np.int64)  # how many of the same group were taken before
    turn[order] = np.arange(len(taken)) - np.searchsorted(taken[order], taken[order])
    return replace(chosen, rows=members[starts[taken] + turn])
