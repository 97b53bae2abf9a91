"""The inner loops over rows: widened to float32, and added up."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled


@compiled
def widen(halves: Array, words: Array) -> None:
    """Move sign, exponent and fraction of float16 to where float32 has them; times 2¹¹² is left to do."""
    for i in range(len(halves)):
        half = np.int32(halves[i])
        words[i] = ((half & 0x8000) << 16) | ((half & 0x7FFF) << 13)


@compiled
def add_rows(rows: Array, total: Array) -> None:
    """Add every row to the float64 vector `total`, first row first."""
    for i in range(len(rows)):
        total += rows[i]
