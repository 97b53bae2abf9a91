"""Given samples, and who may still be chosen: all others."""

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
