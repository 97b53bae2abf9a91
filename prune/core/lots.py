"""Lots: a number a sample, drawn by seed and key, so that the order of the samples does not matter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def lots(keys: Sequence[str], seed: str) -> npt.NDArray[np.uint64]:
    """Return a number a key, uniform over all 64-bit ones: a hash."""
    salt = hashlib.blake2b(seed.encode(), digest_size=64).digest()
    fresh = hashlib.blake2b(key=salt, digest_size=8)  # which is half of the work
    hashes = bytearray()  # not a list of them: of many keys they would be most of what is in memory
    for key in keys:
        one = fresh.copy()
        one.update(key.encode("utf-8", "surrogateescape"))
        hashes += one.digest()
    return np.frombuffer(hashes, ">u8").astype(np.uint64)
