"""How alike two samples are, as a number from 0 to 1: cosine, Gaussian kernel, or one minus the distance."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from prune.arrays import Rows
from prune.index.space import Block, Space, Sums

Kind: TypeAlias = Literal["cosine", "euclidean", "rbf"]

KERNEL_WIDTH = 0.1  # of the Gaussian, as a fraction of the mean squared distance


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
        self._reach = 1.0
        if kind != "cosine":
            total = self.space.sum()
            n, squares = self.space.n, self.space.squared_norms()
            middle = float(np.vdot(total, total)) / n**2
            if kind == "euclidean":
                from_mean = squares - 2 * self.space.dot(total) / n + middle
                self._reach = 2 * float(np.sqrt(max(from_mean.max(), 0.0)))
            else:
                self._reach = KERNEL_WIDTH * max(2 * (float(squares.mean()) - middle), 0.0)
            self._reach = self._reach or 1.0  # all samples are one point

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.space.n

    def block(self, one: slice | Rows, two: slice | Rows) -> Block:
        """(a, b) float32 similarities."""
        values = self.space.products(one, two)
        if self.kind == "cosine":
            values = values * np.float32(0.5) + np.float32(0.5)
        else:
            values = self._of_distance(squared_distances(self.space, one, two, values))
        np.clip(values, 0, 1, out=values)
        _set_diagonal(values, one, two)
        return values

    def of_squared_distances(self, squares: Block) -> Block:
        """Similarities of pairs whose squared distance in `space` is known; (…,) float32."""
        if self.kind == "cosine":  # ‖x − y‖² = 2 − 2 cos of directions
            return np.clip(1 - squares * np.float32(0.25), 0, 1)
        return np.clip(self._of_distance(np.array(squares, np.float32)), 0, 1)

    def totals(self) -> Sums:
        """(n,) float64 Σᵢ sᵢⱼ: in one pass for cosine, from all pairs, a block at a time, otherwise."""
        if self.kind == "cosine":
            whole = self.space.sum()
            totals: Sums = (self.n + self.space.dot(whole)) / 2
            return totals + (1 - (1 + self.space.squared_norms()) / 2)  # 1 to oneself, direction or not
        out = np.zeros(self.n, np.float64)
        for start in range(0, self.n, 1024):
            span = slice(start, min(start + 1024, self.n))
            for other in range(0, self.n, 4096):
                block = self.block(span, slice(other, min(other + 4096, self.n)))
                out[span] += block.sum(1, dtype=np.float64)
        return out

    def _of_distance(self, squares: Block) -> Block:
        if self.kind == "rbf":
            return np.exp(squares * np.float32(-1 / self._reach))
        return 1 - np.sqrt(squares) * np.float32(1 / self._reach)


def squared_distances(
    space: Space, one: slice | Rows, two: slice | Rows, products: Block | None = None
) -> Block:
    """(a, b) float32 ‖x − y‖², at least 0: ``‖x‖² + ‖y‖² − 2⟨x, y⟩``, so off by about 1e-6 of the norms."""
    values = space.products(one, two) if products is None else products
    squares = space.squared_norms()
    values = values * np.float32(-2)
    values += squares[one].astype(np.float32)[:, None]
    values += squares[two].astype(np.float32)
    np.maximum(values, 0, out=values)
    return values


def _set_diagonal(values: Block, one: slice | Rows, two: slice | Rows) -> None:
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
