"""Random: the baseline that every selection is compared with, the same whatever the order of the samples."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from prune.selection import Selection


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
    salt = hashlib.blake2b(str(seed).encode(), digest_size=64).digest()
    lots = [
        hashlib.blake2b(key.encode("utf-8", "surrogateescape"), key=salt, digest_size=8).digest()
        for key in keys
    ]
    order = np.argsort(np.frombuffer(b"".join(lots), ">u8"), kind="stable")
    return Selection.of(order[:k])
