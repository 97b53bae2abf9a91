"""Screening in int8: a quarter of the reading, and with what the rounding may cost, no sample missed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index.space import BLOCK, EmbeddingSpace, Sums
from prune.optimizers.pair_sums import ProductSums
from prune.system.compilation import compiled
from prune.system.executors.threads import threads

LARGEST = 127  # of a byte
WIDEST = 4096  # dimensions; beyond, the other factor of a 32-bit sum has too few digits
SPAN = 8192  # samples of a task


def codes_fit(function: ProductSums) -> bool:
    """Whether the samples are vectors whose bytes fit in half of the memory."""
    space = function.space
    return isinstance(space, EmbeddingSpace) and space.d <= WIDEST and space.n * space.d <= space.memory // 2


class Codes:
    """The loop over sums of inner products, with a pass over bytes for each pick.

    ``x = a·q + r`` with q whole numbers up to 127; ``⟨x, v⟩`` is off ``a·⟨q, v⟩`` by at most ``‖r‖·‖v‖``
    (Cauchy-Schwarz). Samples whose upper bound reaches the largest lower bound are computed in float64.

    Parameters
    ----------
    function
        Over an `EmbeddingSpace`.
    free : (n,)
        Which samples may be taken.
    """

    def __init__(self, function: ProductSums, free: npt.NDArray[np.bool_]) -> None:
        space = function.space
        assert isinstance(space, EmbeddingSpace)
        self.function, self.free, self.high = function, free, np.empty(space.n)
        self.bytes = np.empty((space.n, space.d), np.int8)
        self.steps, self.misses = np.empty(space.n), np.empty(space.n)
        self.lengths, self.dots = np.empty(space.n), np.empty(space.n, np.int32)
        for start in range(0, space.n, BLOCK):
            span = slice(start, min(start + BLOCK, space.n))
            _encode(
                space.wide(span), self.bytes[span], self.steps[span], self.misses[span], self.lengths[span]
            )

    def take(self, k: int) -> tuple[Rows, Sums]:
        """Return the next k picks with their gains; `function` grows by them."""
        rows, gains = np.empty(k, np.int64), np.empty(k, np.float64)
        with threads() as pool:
            for step in range(k):
                close = self._close(pool)
                found = self.function.gains(close)
                best = int(found.argmax())
                rows[step], gains[step] = close[best], found[best]
                self.function.add(int(rows[step]))
                self.free[rows[step]] = False
        return rows, gains

    def _close(self, pool: ThreadPoolExecutor) -> Rows:
        """Return all samples that may be the best."""
        function, vector = self.function, self.function.total
        most = min(2**15 - 1, (2**31 - 1) // (LARGEST * len(vector)))
        unit = float(np.abs(vector).max()) / most or 1.0
        whole = np.round(vector / unit).astype(np.int16)
        miss = float(np.linalg.norm(vector - unit * whole))
        length = float(np.linalg.norm(vector))

        def bound(start: int) -> float:
            span = slice(start, start + SPAN)
            _dots(self.bytes[span], whole, self.dots[span])
            return _bound(
                self.dots[span],
                (self.steps[span], self.misses[span], self.lengths[span]),
                (unit, length, miss, function.coefficient),
                (function.base[span], function.drift[span], function.count),
                self.free[span],
                self.high[span],
            )

        least = max(pool.map(bound, range(0, function.n, SPAN))) - 2 * function.quantum
        return np.flatnonzero(self.high >= least)


@compiled
def _encode(block: Array, codes: Array, steps: Sums, misses: Sums, lengths: Sums) -> None:
    for i in range(len(block)):
        row = block[i]
        step = float(np.max(np.abs(row))) / LARGEST
        if step == 0.0:
            step = 1.0
        miss, length = np.float64(0.0), np.float64(0.0)
        for j in range(len(row)):
            code = np.rint(np.float64(row[j]) / step)
            codes[i, j] = np.int8(code)
            miss += (np.float64(row[j]) - step * code) ** 2
            length += code * code
        steps[i], misses[i], lengths[i] = step, np.sqrt(miss), step * np.sqrt(length)


@compiled
def _dots(codes: Array, whole: Array, out: Array) -> None:
    d = codes.shape[1]
    for i in range(len(codes)):  # nothing else in this loop: it is then twice as fast
        row = codes[i]
        total = np.int32(0)
        for j in range(d):
            total += np.int32(row[j]) * np.int32(whole[j])
        out[i] = total


@compiled
def _bound(
    dots: Array,
    samples: tuple[Sums, Sums, Sums],
    vector: tuple[float, float, float, float],
    fixed: tuple[Sums, Sums, int],
    free: Array,
    high: Sums,
) -> float:
    """Write upper bounds of gains; return the largest lower bound."""
    steps, misses, lengths = samples
    unit, length, miss, coefficient = vector
    base, drift, count = fixed
    least = np.float64(-np.inf)
    for i in range(len(dots)):
        if not free[i]:
            high[i] = -np.inf
            continue
        gain = base[i] + count * drift[i] + coefficient * steps[i] * unit * dots[i]
        off = abs(coefficient) * (misses[i] * length + lengths[i] * miss) * (1.0 + 1e-9)
        high[i] = gain + off
        least = max(least, gain - off)
    return float(least)
