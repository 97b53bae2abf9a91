"""A few samples as points of their space, with float64 products: float32 would decide ties by rounding."""

from __future__ import annotations

import numpy as np

from prune.arrays import Rows
from prune.index.gradients import GradientSpace
from prune.index.space import BLOCK, Block, EmbeddingSpace, Space, Sums, Vector

PAIRS = 4096  # products computed one by one, at a time
CLOSE = 1e-3  # of the squared norms: below it a float32 squared distance has too few digits


def point(space: Space, row: int) -> Vector:
    """Return one sample as a point of its space, float64: (d,), or (c, d + 1) for gradients."""
    if isinstance(space, GradientSpace):
        errors, features = space.factors(np.array([row]))
        return np.outer(errors[0], np.append(features[0], np.float32(1))).astype(np.float64)
    assert isinstance(space, EmbeddingSpace)
    return space.take(np.array([row]))[0].astype(np.float64)


def dots(space: Space, rows: Rows, vector: Vector) -> Sums:
    """(len(rows),) float64 inner products of some samples with a point, float64 throughout."""
    out = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), BLOCK):
        span = slice(start, min(start + BLOCK, len(rows)))
        if isinstance(space, GradientSpace):
            errors, features = space.factors(rows[span])
            mixed = errors @ vector
            out[span] = (mixed[:, :-1] * features).sum(1) + mixed[:, -1]
        else:
            assert isinstance(space, EmbeddingSpace)
            out[span] = space.take(rows[span]) @ vector
    return out


def distances(space: Space, one: slice | Rows, two: slice | Rows) -> Block:
    """(a, b) float32 ‖x − y‖; those of close pairs from float64 products."""
    squares = space.squared_norms()
    norms = squares[one][:, None] + squares[two]
    values = norms - 2 * space.products(one, two)
    close = np.argwhere(values < CLOSE * norms)
    first, second = np.arange(space.n)[one], np.arange(space.n)[two]
    for start in range(0, len(close), PAIRS):
        a, b = close[start : start + PAIRS].T
        values[a, b] = norms[a, b] - 2 * _products_of_pairs(space, first[a], second[b])
    return np.sqrt(np.maximum(values, 0)).astype(np.float32)


def outermost(space: Space, candidates: Rows) -> int:
    """Return the candidate farthest from the mean of all samples, ties by lower row."""
    mean = space.sum() / space.n
    squares = space.squared_norms()[candidates] - 2 * space.dot(mean)[candidates]
    far = squares.max() - 1e-12 * (np.abs(squares).max() + 1e-300)
    return int(candidates[np.argmax(squares >= far)])


def _products_of_pairs(space: Space, one: Rows, two: Rows) -> Sums:
    if isinstance(space, GradientSpace):
        (e, h), (f, g) = space.factors(one), space.factors(two)
        product: Sums = _rowwise(e, f) * (1 + _rowwise(h, g))
        return product
    assert isinstance(space, EmbeddingSpace)
    return _rowwise(space.take(one), space.take(two))


def _rowwise(one: Block, two: Block) -> Sums:
    return np.einsum("nd,nd->n", one, two, dtype=np.float64)
