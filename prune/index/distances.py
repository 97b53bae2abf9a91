"""Distances of pairs: from float64 products near the mean, and where those cancel, from sums of differences.

A float32 product is another number under every BLAS kernel, and a greedy loop turns the last digit of it into
another sample. A float64 one, rounded to float32 afterwards, is the same on every machine.
"""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operand, operands_of
from prune.index.exact_sums import gap_of, write_gaps
from prune.index.space import Block, Space, Wide
from prune.index.topk import Side
from prune.system.compilation import compiled

CLOSE = (
    1e-5  # of the squared norms: below it a squared distance from products has lost five of sixteen digits
)
STRETCH = 32  # products looked at together
FEW = 4  # samples that meet many: a product would cost more to prepare than the sums of differences
MOST = float(np.finfo(np.float32).max)


class Distances:
    """Distances of any samples of a space, as float64 knows them.

    Embeddings are moved to their mean first where that is far off. Gradients are not, since their products
    are those of factors.

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
        return np.minimum(self.wide(one, two), MOST).astype(np.float32)

    def wide(self, one: Operand, two: Operand) -> Wide:
        """(a, b) float64 ‖x − y‖² of samples that are held."""
        first, second = one.side, two.side
        if min(len(first.rows), len(second.rows)) <= FEW:
            values = np.empty((len(first.rows), len(second.rows)))
            write_gaps(first, second, values)
            return values
        values = self._operands.product(one, two)
        _to_squares(values, first, second, self._operands.scale**-2)
        return values


@compiled
def _to_squares(values: Array, one: Side, two: Side, scale: float) -> None:
    """Turn products in the frame into squared distances."""
    for i in range(len(values)):
        norm = one.norms[i]
        for start in range(0, values.shape[1], STRETCH):
            some, others = values[i, start : start + STRETCH], two.norms[start : start + STRETCH]
            near = False
            for j in range(len(some)):
                both = norm + others[j]
                some[j] = (both - 2.0 * some[j]) * scale
                near |= some[j] <= CLOSE * scale * both
            for j in range(len(some) if near else 0):
                if some[j] <= CLOSE * scale * (norm + others[j]):
                    some[j] = gap_of(one, i, two, start + j, np.inf)
