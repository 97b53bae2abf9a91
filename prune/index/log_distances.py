"""The inner loops of log-distances: float32 products where they are sharp, float64 differences where not."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.index.exact_sums import gap_of
from prune.index.topk import Side
from prune.system.compilation import compiled

BLURRED = np.float32(1e-3)  # of ‖x‖² + ‖y‖²: below it a float32 product knows a distance to no three digits
LN2 = np.float32(np.log(2.0))
ROOT_HALF = np.int32(0x3F3504F3)  # √½ as the bits of a float32
FRACTION = np.int32(0x007FFFFF)
EXPONENT = np.int32(23)


@compiled
def near_exactly(one: Side, two: Side, scale: float, products: Array) -> None:
    """Turn inner products in the frame into squared distances; small ones are computed again in float64."""
    back = np.float32(1.0 / scale)
    twice = np.float32(2)
    for i in range(len(products)):
        row, half = products[i], one.halves[i]
        near = 0
        for j in range(len(row)):
            both = half + two.halves[j]
            gap = both - row[j]
            near += gap < BLURRED * both
            row[j] = twice * gap * back
        if near == 0:
            continue
        for j in range(len(row)):
            if row[j] < twice * BLURRED * (half + two.halves[j]) * back * np.float32(1.001):
                row[j] = gap_of(one, i, two, j, np.inf)


@compiled
def add_logs(squares: Array, weights: Array, sums: Array) -> None:
    """Add ``Σᵢ weightᵢ · ln squareᵢⱼ`` to each sum, in float64 over i; the squares are used up.

    A square is ``2^e · m`` with m in ``[√½, √2)``, and ``ln m = 2 artanh((m − 1) / (m + 1))``, of which five
    terms are left out by less than 1e-9.
    """
    exponents = np.empty(squares.shape[1], np.float32)
    for i in range(len(squares)):
        row, weight = squares[i], weights[i]
        bits = row.view(np.int32)
        for j in range(len(bits)):
            shifted = np.int32(bits[j] - ROOT_HALF)
            exponents[j] = np.float32(np.int32(shifted >> EXPONENT))
            bits[j] = np.int32((shifted & FRACTION) + ROOT_HALF)
        for j in range(len(row)):
            s = (row[j] - np.float32(1)) / (row[j] + np.float32(1))
            z = s * s
            series = np.float32(2 / 7) + z * np.float32(2 / 9)
            series = np.float32(2 / 3) + z * (np.float32(2 / 5) + z * series)
            log = exponents[j] * LN2 + s * (np.float32(2) + z * series)
            sums[j] += weight * np.float64(log)


@compiled
def add_logs_exactly(squares: Array, weights: Array, sums: Array) -> None:
    """Do the same for float64 squares."""
    for i in range(len(squares)):
        for j in range(len(sums)):
            sums[j] += weights[i] * np.log(squares[i, j])
