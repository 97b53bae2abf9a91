"""Set functions whose gains are a fixed part and a sum, over the chosen, of what each has in common with j.

``gain(j) = base_j + t·slope_j + coefficient·Σ_{i∈S} pair(i, j)`` with t = |S|.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import BLOCK, Block, Space, Sums, Vector
from prune.optimizers.float64_points import dots, point

Pairs: TypeAlias = Callable[[slice | Rows, slice | Rows], Block]  # (a, b) float32, symmetric

MET = 64  # given samples that all others meet at a time
DIGITS = {"products": 1e-8, "table": 1e-6}  # of the largest pair: below that gains are equal


class ProductSums:
    """Pairs are inner products, so that their sum is one product with the sum of the chosen.

    Parameters
    ----------
    space
        n samples.
    base, slope : (n,)
        The fixed parts.
    coefficient
        Of the products.
    given
        Rows in S from the start.
    centred
        Whether the sum is kept as its difference from t times the mean: where that is what stays small.
    """

    def __init__(
        self,
        space: Space,
        base: Sums,
        slope: Sums,
        coefficient: float,
        given: Rows | None = None,
        *,
        centred: bool = False,
    ) -> None:
        self.space, self.n, self.memory = space, space.n, space.memory
        self.base, self.slope, self.coefficient = base, slope, coefficient
        self.reach = float(np.sqrt(space.squared_norms().max()))
        self.scale = abs(coefficient) * self.reach**2 or 1.0  # of nothing but zeros, any
        self.mean: Vector = space.sum() / space.n if centred else space.sum(np.zeros(space.n))
        along = space.dot(self.mean) if centred else np.zeros(space.n)
        self.drift: Sums = slope + coefficient * along if centred else slope
        spread = space.squared_norms() - 2 * along + float(np.vdot(self.mean, self.mean))
        self.quantum = quantum("products", abs(coefficient) * float(spread.max()) or 1.0, base)
        self.count = 0 if given is None else len(given)
        inside = np.zeros(space.n)
        inside[[] if given is None else given] = 1
        self.total: Vector = space.sum(inside) - self.count * self.mean

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S, in multiples of `quantum`."""
        found: Sums = self.base[rows] + self.count * self.drift[rows]
        found += self.coefficient * dots(self.space, rows, self.total)
        return rounded(found, self.quantum)

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        self.total += point(self.space, row)
        self.total -= self.mean
        self.count += 1

    def pairs(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 inner products."""
        return self.space.products(one, two)

    def copy(self) -> ProductSums:
        """Return the same function with an S of its own."""
        twin = copy.copy(self)
        twin.total = self.total.copy()
        return twin


class TableSums:
    """Pairs are any symmetric function; their sums with all samples are kept, one pass over them a sample.

    Parameters
    ----------
    pairs
        float32 blocks of the function.
    base, slope, coefficient, given
        As for `ProductSums`.
    scale
        The largest pair.
    memory
        Bytes that may be used.
    """

    def __init__(
        self,
        pairs: Pairs,
        base: Sums,
        slope: Sums,
        coefficient: float,
        *,
        scale: float,
        memory: int,
        given: Rows | None = None,
    ) -> None:
        self.pairs, self.n, self.memory = pairs, len(base), memory
        self.slope, self.coefficient, self.scale = slope, coefficient, abs(coefficient) * scale or 1.0
        self.quantum = quantum("table", self.scale, base)
        self.now: Sums = base.copy()
        for start in range(0, 0 if given is None else len(given), MET):
            self._meet(np.asarray(given)[start : start + MET])

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S, in multiples of `quantum`."""
        return rounded(self.now[rows], self.quantum)

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        self._meet(np.array([row]))

    def _meet(self, rows: Rows) -> None:
        self.now += len(rows) * self.slope
        for start in range(0, self.n, BLOCK):
            span = slice(start, min(start + BLOCK, self.n))
            self.now[span] += self.coefficient * self.pairs(rows, span).sum(0, dtype=np.float64)


def quantum(kind: str, scale: float, base: Sums) -> float:
    """Return the power of two that gains are multiples of, so that equal samples have equal gains."""
    least = DIGITS[kind] * scale + 1e-14 * float(np.abs(base).max(initial=0.0))
    return float(2.0 ** np.ceil(np.log2(least)))


def rounded(gains: Sums, step: float) -> Sums:
    """Return the nearest multiples."""
    found: Sums = np.round(gains / step) * step
    return found
