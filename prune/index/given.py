"""Given samples, and who may still be chosen: all others, or some of them."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows


def free_rows(n: int, given: Rows | None, k: int) -> tuple[Rows, Rows]:
    """Return the rows that may be chosen and those that are given, both ascending.

    Raises
    ------
    ValueError
        A given position is not in ``[0, n)``, or k is not in ``[1, n − given]``.
    """
    taken = np.unique(np.asarray([] if given is None else given, np.int64))
    if len(taken) and not 0 <= taken[0] <= taken[-1] < n:
        raise ValueError(f"given positions span [{taken[0]}, {taken[-1]}], but there are {n} samples")
    free = np.delete(np.arange(n), taken)
    if not 1 <= k <= len(free):
        raise ValueError(f"cannot keep {k} of {len(free)} samples")
    return free, taken


def taking_part(n: int, taken: Rows, among: Rows | None) -> tuple[Rows, Rows]:
    """Return the samples that are chosen or may be, ascending, and which of these are taken already.

    Parameters
    ----------
    among
        Positions that may be chosen; None: all.
    """
    if among is None:
        return np.arange(n), taken
    both = np.union1d(among, taken)
    return both, np.searchsorted(both, taken)
