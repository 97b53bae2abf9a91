"""Random: the baseline that every selection is compared with, the same whatever the order of the samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from prune.core.lots import lots
from prune.core.selection import Selection


def random(keys: Sequence[str], /, *, k: int, seed: int) -> Selection:
    """Uniform without replacement, drawn by seed and sample key.

    Each key is hashed with the seed, and the k smallest hashes are kept. The order of the dataset does not
    matter, and a smaller budget is a prefix of a larger one. Time O(n·log n), memory O(n).

    Good for nearly everything: few methods beat it below 10 % kept, and with `--quota proportional` it is the
    baseline to report; bad at rare classes and at duplicates, which it keeps in proportion.

    Parameters
    ----------
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Any whole number.

    Returns
    -------
    Gains are 0, weights are 1. Keys that are equal are taken in the order of their rows.

    Raises
    ------
    ValueError
        k is not in ``[1, n]``.
    """
    if not 1 <= k <= len(keys):
        raise ValueError(f"cannot keep {k} of {len(keys)} samples")
    return Selection.of(np.argsort(lots(keys, str(seed)), kind="stable")[:k])


def weighted_order(logs: npt.NDArray[np.float64], keys: Sequence[str], seed: str) -> npt.NDArray[np.int64]:
    """Return all rows as drawing one after the other without replacement would, with odds ``exp(logs)``.

    Adds a Gumbel variable to each logarithm and sorts: the same law as drawing, in one pass. Rows whose
    logarithm is −inf come last, in an order of their own.

    References
    ----------
    Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Inf. Process. Lett. 97, 2006.
    Kool, van Hoof & Welling, "Stochastic Beams and Where to Find Them", ICML 2019, arXiv:1903.06059.
    """
    lot = lots(keys, seed)
    uniform = ((lot >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52  # in (0, 1), both ends left out
    return np.lexsort((lot, -(logs - np.log(-np.log(uniform)))))
