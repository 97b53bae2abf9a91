"""Blocks of samples made ready to meet, and their float32 products, for vectors and for gradients alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.exact_sums import dot
from prune.index.farthest_kernels import Batch, FarthestPoints
from prune.index.gradients import GradientSpace
from prune.index.product_frame import Frame, frame_of, middle, scale_of, squares_to
from prune.index.space import Block, EmbeddingSpace, Space, Wide
from prune.index.topk import Side
from prune.system.compilation import compiled
from prune.system.executors.threads import threads

WORTH = 2.0**27  # multiplications; fewer take a thread less time than it takes to start one
SPAN = 256  # rows that a thread multiplies at a time


@dataclass(frozen=True)
class Operand:
    """A block of samples: what float64 distances need, and what float32 products need."""

    side: Side
    framed: Block  # the rows in the frame of the products


class Operands(Protocol):
    """All samples of a space, in one frame."""

    n: int
    device: str  # where the products run
    terms: int  # in the sum of a product
    scale: float
    norms: Array  # (n,) float64, squared, in the frame

    def load(self, which: slice | Rows) -> Operand:
        """Make a block ready."""

    def products(self, one: Operand, two: Operand, out: Block) -> Block:
        """(a, b) float32 inner products in the frame, in the memory of `out`, by all threads."""

    def product(self, one: Operand, two: Operand) -> Wide:
        """(a, b) float64 inner products in the frame, by the thread that asks."""

    def framed_like(self, space: Space) -> Operands:
        """Return the samples of another space of the same kind in the same frame."""

    def arranged(self, order: Rows) -> Operands:
        """Return the same samples, which are asked for in this order; see `EmbeddingSpace.arranged`."""


class Vectors:
    """Embeddings."""

    def __init__(self, space: EmbeddingSpace, frame: Frame) -> None:
        self.space, self.frame = space, frame
        self.n, self.terms, self.device = space.n, space.d, space.device
        self.scale, self.norms = frame.scale, frame.norms

    def load(self, which: slice | Rows) -> Operand:
        """Widen a block to float32."""
        names = _names(which)
        rows = (
            self.space.block(which.start, which.stop) if isinstance(which, slice) else self.space.take(which)
        )
        norms = self.norms[which]
        nothing = np.empty((len(rows), 0), np.float32)
        side = Side(rows, nothing, norms, norms, (norms / 2).astype(np.float32), names, names)
        return Operand(side, self.frame.of(rows))

    def products(self, one: Operand, two: Operand, out: Block) -> Block:
        """(a, b) float32 inner products."""
        into = _shaped(out, one, two)

        def multiply(span: slice) -> None:
            np.matmul(one.framed[span], two.framed.T, out=into[span])

        _share(len(into), into.size * self.terms, multiply)
        return into

    def product(self, one: Operand, two: Operand) -> Wide:
        """(a, b) float64 inner products, by one thread."""
        ours, theirs = (self.frame.of(operand.side.rows.astype(np.float64)) for operand in (one, two))
        return np.matmul(ours, theirs.T)

    def framed_like(self, space: Space) -> Vectors:
        """Return other embeddings in the same frame."""
        if isinstance(space, GradientSpace):
            raise ValueError("embeddings have no distance to gradients")
        other = space.coordinates()
        point = np.zeros(other.d) if self.frame.shift is None else self.frame.shift / self.scale
        norms = squares_to(other, np.asarray(point, np.float64)) * self.scale**2
        return Vectors(other, replace(self.frame, norms=norms))

    def arranged(self, order: Rows) -> Vectors:
        """Return the same embeddings, which are asked for in this order."""
        return Vectors(self.space.arranged(order), self.frame)


class Factors:
    """Gradients; ⟨gᵢ, gⱼ⟩ = (eᵢ·eⱼ)(1 + hᵢ·hⱼ)."""

    def __init__(self, space: GradientSpace, scale: float) -> None:
        self.space, self.scale = space, scale
        self.n, self.terms, self.device = space.n, space.width + 8, "cpu"
        self.norms = space.squared_norms() * scale**2
        self._spare = np.empty(0, np.float32)

    def load(self, which: slice | Rows) -> Operand:
        """Widen the factors of a block to float32."""
        errors, features = self.space.factors(which)
        squares = np.empty(len(errors), np.float64)
        _write_squares(errors, features, squares)
        norms = self.norms[which]
        names = _names(which)
        side = Side(errors, features, squares, norms, (norms / 2).astype(np.float32), names, names)
        return Operand(side, errors if self.scale == 1.0 else errors * np.float32(self.scale))

    def products(self, one: Operand, two: Operand, out: Block) -> Block:
        """(a, b) float32 inner products; a second block of this size is kept for the features."""
        into = _shaped(out, one, two)
        if self._spare.size < into.size:
            self._spare = np.empty(max(into.size, out.size), np.float32)
        other = _shaped(self._spare, one, two)

        def multiply(span: slice) -> None:
            np.matmul(one.side.features[span], two.side.features.T, out=other[span])
            np.matmul(one.framed[span], two.framed.T, out=into[span])
            _times_one_more(into[span], other[span])

        _share(len(into), into.size * self.terms, multiply)
        return into

    def product(self, one: Operand, two: Operand) -> Wide:
        """(a, b) float64 inner products, by one thread."""
        (e, h), (f, g) = (
            (side.rows.astype(np.float64), side.features.astype(np.float64)) for side in (one.side, two.side)
        )
        values: Wide = np.matmul(e, f.T)
        _times_one_more(values, np.matmul(h, g.T))
        values *= self.scale**2
        return values

    def framed_like(self, space: Space) -> Factors:
        """Return other gradients in the same frame."""
        if not isinstance(space, GradientSpace):
            raise ValueError("gradients have no distance to embeddings")
        return Factors(space, self.scale)

    def arranged(self, order: Rows) -> Factors:  # noqa: ARG002 - they are in memory, whatever the order
        """Return these gradients."""
        return self


def operands_of(space: Space) -> Operands:
    """Return the samples of a space, in the frame that suits them."""
    if isinstance(space, GradientSpace):
        return Factors(space, scale_of(float(space.squared_norms().max())))
    vectors = space.coordinates()
    return Vectors(vectors, frame_of(vectors, *middle(vectors)))


def points_of(block: Operand, nearest: Array, owner: Array) -> FarthestPoints:
    """Return a block of samples, and how far each is from the centres so far."""
    side = block.side
    return FarthestPoints(side.rows, side.features, side.squares, side.norms, nearest, owner)


def batch_of(operands: Operands, block: Operand, first: int) -> Batch:
    """Return a block of samples as new centres, of which the first is centre number `first`."""
    side, reach = block.side, float(np.sqrt(block.side.norms.max()))
    return Batch(
        side.rows, side.features, side.squares, side.halves, reach, first, operands.scale**2, operands.terms
    )


def _names(which: slice | Rows) -> Rows:
    return np.arange(which.start, which.stop) if isinstance(which, slice) else which


def _shaped(out: Block, one: Operand, two: Operand) -> Block:
    shape = len(one.framed), len(two.framed)
    return out.reshape(-1)[: shape[0] * shape[1]].reshape(shape)


def _share(rows: int, work: float, multiply: Callable[[slice], None]) -> None:
    """Multiply 256 rows at a time, side by side where there is enough to do."""
    if work < WORTH:
        multiply(slice(0, rows))
        return
    with threads() as pool:
        list(pool.map(multiply, [slice(start, start + SPAN) for start in range(0, rows, SPAN)]))


@compiled
def _write_squares(errors: Array, features: Array, out: Array) -> None:
    """Write ``‖e‖²(1 + ‖h‖²)`` of every row, in float64."""
    for i in range(len(errors)):
        out[i] = dot(errors[i], errors[i]) * (1.0 + dot(features[i], features[i]))


@compiled
def _times_one_more(products: Array, others: Array) -> None:
    """Multiply products by 1 + others, in place."""
    for i in range(len(products)):
        product, other = products[i], others[i]
        for j in range(len(product)):
            product[j] *= other[j] + np.float32(1)
