"""The frame of float32 products: near the mean and near 1, so that they lose nothing that counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Array
from prune.index import exact_sums, row_kernels
from prune.index.space import EmbeddingSpace, Sums

_MOST = 120  # the power of two itself has to fit into float32


@dataclass(frozen=True)
class Frame:
    """Where float32 products are taken: moved to the mean if that lies far off, scaled by a power of two.

    Neither changes which sample is near to which; both keep products from losing or leaving float32.
    """

    shift: Array | None  # (d,) float32, after scaling
    scale: float
    norms: Array  # (n,) float64, squared, in this frame

    def of(self, rows: Array) -> Array:
        """Return rows in this frame, of the type they have; the rows themselves if nothing changes."""
        moved = rows if self.scale == 1.0 else rows * np.float32(self.scale)
        return moved if self.shift is None else moved - self.shift


def middle(space: EmbeddingSpace) -> tuple[Array, Array]:
    """Return the float64 mean of all rows, and the squared distance of every row to it."""
    total = np.zeros(space.d, np.float64)
    for _, block in space.blocks():
        row_kernels.add_rows(block, total)
    mean = total / space.n
    return mean, squares_to(space, mean)


def squares_to(space: EmbeddingSpace, point: Array) -> Sums:
    """(n,) float64 squared distances of all samples to a float64 point."""
    out = np.empty(space.n, np.float64)
    for span, block in space.blocks():
        exact_sums.distances(block, point, out[span])
    return out


def frame_of(space: EmbeddingSpace, mean: Array, spread: Array) -> Frame:
    """Choose the frame of a space whose mean, and squared distances from it, are known."""
    norms = squares_to(space, np.zeros(space.d))
    point = mean.astype(np.float32) if far_off(mean, spread) else None
    if point is not None:
        norms = squares_to(space, point.astype(np.float64))
    scale = scale_of(float(norms.max()))
    return Frame(None if point is None else point * np.float32(scale), scale, norms * scale * scale)


def far_off(mean: Array, spread: Array) -> bool:
    """Whether rows, of which the mean and squared distances from it are given, lie far from the origin."""
    return float(mean @ mean) > 16.0 * float(spread.mean())


def scale_of(square: float) -> float:
    """Return the power of two that brings a squared norm near 1 if it is extremely large or small, else 1."""
    exponent = int(np.frexp(np.sqrt(square))[1])
    return 1.0 if abs(exponent) < 30 else 2.0 ** -max(exponent, -_MOST)
