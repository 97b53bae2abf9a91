"""Distances of pairs in float32: from products near the mean, and where those cancel, from float64 sums."""

from __future__ import annotations

import numpy as np

from prune.arrays import Array, Rows
from prune.index.kernels import compiled, dot, squared
from prune.index.meeting import Side
from prune.index.operands import Operand, operands_of
from prune.index.space import Block, Space

CLOSE = 1e-3  # of the squared norms: below it a float32 squared distance has too few digits
STRETCH = 32  # products looked at together
MOST = float(np.finfo(np.float32).max)


class Distances:
    """Distances of any samples of a space, off by about 1e-6 of their norms around the mean, or much less.

    Embeddings are moved to their mean first where that is far off. Gradients are not, since their products
    are those of factors: far from the origin most pairs need float64, which is as exact but slower.

    Parameters
    ----------
    space
        n samples.
    """

    def __init__(self, space: Space) -> None:
        self._operands = operands_of(space)
        self.n = space.n
        self.reach = float(np.sqrt(self._operands.norms.max())) / self._operands.scale  # at least ½ of each

    def block(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 ‖x − y‖; 0 of equal samples. Several threads may ask at once."""
        values = self.squares(one, two)
        return np.sqrt(values, out=values)

    def squares(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 ‖x − y‖²."""
        return self.between(self.held(one), self.held(two))

    def held(self, which: slice | Rows) -> Operand:
        """Return samples ready to be compared, for who compares them more than once; float32 (a, width)."""
        return self._operands.load(slice(*which.indices(self.n)) if isinstance(which, slice) else which)

    def between(self, one: Operand, two: Operand) -> Block:
        """(a, b) float32 ‖x − y‖² of samples that are held."""
        values = self._operands.product(one, two)
        norms = two.side.norms.astype(np.float32)
        _to_squares(values, one.side, two.side, norms, self._operands.scale**-2)
        return values


@compiled
def _of_pair(one: Side, i: int, two: Side, j: int) -> float:
    """‖x − y‖² in float64; of gradients from products of their factors, 0 if they are equal."""
    if one.features.shape[1] == 0:
        return squared(one.rows[i], two.rows[j], np.inf)
    product = dot(one.rows[i], two.rows[j]) * (1.0 + dot(one.features[i], two.features[j]))
    return max(one.squares[i] + two.squares[j] - 2.0 * product, 0.0)


@compiled
def _to_squares(values: Array, one: Side, two: Side, norms: Array, scale: float) -> None:
    """Turn products in the frame into squared distances; `norms` (b,) float32 are those of `two`."""
    close, twice = np.float32(CLOSE), np.float32(2)
    most, back = np.float32(MOST), np.float32(scale)
    for i in range(len(values)):
        norm = np.float32(one.norms[i])
        for start in range(0, values.shape[1], STRETCH):
            some, others = values[i, start : start + STRETCH], norms[start : start + STRETCH]
            near = False
            for j in range(len(some)):
                both = norm + others[j]
                some[j] = both - twice * some[j]
                near |= some[j] <= close * both
            for j in range(len(some) if near else 0):
                if some[j] <= close * (norm + others[j]):
                    some[j] = min(np.float32(_of_pair(one, i, two, start + j) / scale), most)
            for j in range(len(some)):
                some[j] = min(some[j] * back, most)
