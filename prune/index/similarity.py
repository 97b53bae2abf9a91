"""Similarity of two samples, from 0 to 1: cosine, Gaussian kernel, or one minus the distance."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Rows
from prune.index.distances import Distances
from prune.index.gradients import GradientSpace
from prune.index.number_range import require_products
from prune.index.space import Block, EmbeddingSpace, Space, Sums, Wide
from prune.system.executors.threads import threads

Kind: TypeAlias = Literal["cosine", "euclidean", "rbf"]

KERNEL_WIDTH = 0.1  # of the Gaussian, as a fraction of the mean squared distance
POINT = 1e-36  # a reach below this is none: its reciprocal leaves float32, as the squares of distances do
TILE = 1024  # samples on each side of a block of pairs


class Similarity:
    """Similarities of the samples of a space, float32 in ``[0, 1]``, symmetric, 1 to oneself.

    - ``cosine``: ``(1 + cos) / 2``; a sample without a direction has ½ with all others
    - ``euclidean``: ``1 − distance / D`` with D twice the largest distance from the mean, so at least the
      diameter
    - ``rbf``: ``exp(−distance² / (0.1 · mean squared distance of all pairs))``
    """

    def __init__(self, space: Space, kind: Kind = "cosine") -> None:
        if kind not in get_args(Kind):
            raise ValueError(f"similarity {kind!r} is not one of {', '.join(get_args(Kind))}")
        self.kind = kind
        self.space = space.under("cosine" if kind == "cosine" else "euclidean")
        self._distances = None if kind == "cosine" else Distances(self.space)
        self._reach = 1.0
        if kind != "cosine":
            require_products(self.space.squared_norms())
            from_mean = _from_mean(self.space)
            if kind == "euclidean":
                self._reach = 2 * float(np.sqrt(from_mean.max()))
            else:
                self._reach = KERNEL_WIDTH * 2 * float(from_mean.mean())
            if self._reach < POINT:
                self._reach = 1.0  # all samples are one point

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.space.n

    def block(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 similarities; several threads may ask at once."""
        return self.wide(one, two).astype(np.float32)

    def wide(self, one: slice | Rows, two: slice | Rows) -> Wide:
        """(a, b) float64 similarities: the same on every machine to the digits that float32 keeps."""
        if self._distances is None:
            values = _products(self.space, one, two)
            values *= 0.5
            values += 0.5
            np.clip(values, 0, 1, out=values)
            _set_diagonal(values, one, two)
            return values
        held = self._distances.held
        return self._of_distance(self._distances.wide(held(one), held(two)))

    def of_squared_distances(self, squares: Block) -> Block:
        """Similarities of pairs whose squared distance in `space` is known; (…,) float32."""
        if self.kind == "cosine":  # ‖x − y‖² = 2 − 2 cos of directions
            return np.clip(1 - squares * np.float32(0.25), 0, 1)
        return self._of_distance(squares.astype(np.float64)).astype(np.float32)

    def floor(self) -> float:
        """Return what none is below, 1 less a power of two: with a far mean, all cosines are near 1."""
        if self._distances is not None:
            return 0.0
        reach = float(
            _from_mean(self.space).max()
        )  # ‖x − y‖² is at most 4 of it, and (1 + cos) / 2 = 1 − ‖x − y‖² / 4
        return (
            1.0 - 2.0 ** max(np.ceil(np.log2(max(reach * 1.001, 2.0**-40))), -24.0) if reach < 0.25 else 0.0
        )

    def totals(self) -> Sums:
        """(n,) float64 Σᵢ sᵢⱼ over all samples: in one pass for cosine, from all pairs otherwise."""
        if self.kind == "cosine":
            whole = self.space.sum()
            totals: Sums = (self.n + self.space.dot(whole)) / 2
            return totals + (1 - (1 + self.space.squared_norms()) / 2)  # 1 to oneself, direction or not
        blocks = [slice(start, min(start + TILE, self.n)) for start in range(0, self.n, TILE)]
        out = np.zeros(self.n)

        def sums(pair: tuple[slice, slice]) -> tuple[Sums, Sums]:
            block = self.wide(*pair)
            return block.sum(1), block.sum(0)

        with threads() as pool:
            for one in blocks:
                pairs = [(one, two) for two in blocks if two.start >= one.start]
                for (_, two), (own, others) in zip(pairs, pool.map(sums, pairs), strict=True):
                    out[one] += own
                    if two != one:
                        out[two] += others
        return out

    def _of_distance(self, squares: Wide) -> Wide:
        values = (
            np.exp(squares * (-1 / self._reach)) if self.kind == "rbf" else 1 - np.sqrt(squares) / self._reach
        )
        return np.clip(values, 0, 1, out=values)


def _products(space: Space, one: slice | Rows, two: slice | Rows) -> Wide:
    """(a, b) float64 inner products."""
    if isinstance(space, GradientSpace):
        (e, h), (f, g) = space.wide(one), space.wide(two)
        return (h @ g.T + 1) * (e @ f.T)
    assert isinstance(space, EmbeddingSpace)
    return space.wide(one) @ space.wide(two).T


def _from_mean(space: Space) -> Sums:
    """(n,) float64 squared distances of all samples to their mean."""
    mean = space.sum() / space.n
    if isinstance(space, EmbeddingSpace):
        return space.around(mean).squared_norms()
    found = space.squared_norms() - 2 * space.dot(mean) + float(np.vdot(mean, mean))
    return np.maximum(found, 0)


def _set_diagonal(values: Wide, one: slice | Rows, two: slice | Rows) -> None:
    first, second = _positions(one, values.shape[0]), _positions(two, values.shape[1])
    if isinstance(first, range) and isinstance(second, range):
        if max(first.start, second.start) < min(first.stop, second.stop):
            shared = np.arange(max(first.start, second.start), min(first.stop, second.stop))
            values[shared - first.start, shared - second.start] = 1
        return
    a, b = np.asarray(first), np.asarray(second)
    order = np.argsort(b, kind="stable")
    low, high = np.searchsorted(b[order], a, "left"), np.searchsorted(b[order], a, "right")
    for i in np.flatnonzero(high > low):
        values[i, order[low[i] : high[i]]] = 1


def _positions(which: slice | Rows, size: int) -> range | Rows:
    if isinstance(which, slice):
        return range(which.start or 0, (which.start or 0) + size)
    return which
