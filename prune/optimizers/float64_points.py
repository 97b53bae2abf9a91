"""A few samples as points of their space, with float64 products: float32 would decide ties by rounding."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows
from prune.index.gradients import GradientSpace
from prune.index.space import BLOCK, EmbeddingSpace, Space, Sums, Vector


def point(space: Space, row: int) -> Vector:
    """Return one sample as a point of its space, float64: (d,), or (c, d + 1) for gradients."""
    if isinstance(space, GradientSpace):
        errors, features = space.wide(np.array([row]))
        return np.outer(errors[0], np.append(features[0], 1.0))
    assert isinstance(space, EmbeddingSpace)
    return space.wide(np.array([row]))[0]


def dots(space: Space, rows: Rows, vector: Vector) -> Sums:
    """(len(rows),) float64 inner products of some samples with a point, float64 throughout."""
    out = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), BLOCK):
        span = slice(start, min(start + BLOCK, len(rows)))
        if isinstance(space, GradientSpace):
            errors, features = space.wide(rows[span])
            mixed = errors @ vector
            out[span] = (mixed[:, :-1] * features).sum(1) + mixed[:, -1]
        else:
            assert isinstance(space, EmbeddingSpace)
            out[span] = space.wide(rows[span]) @ vector
    return out


def outermost(space: Space, candidates: Rows) -> int:
    """Return the candidate farthest from the mean of all samples, ties by lower row."""
    mean = space.sum() / space.n
    if isinstance(space, EmbeddingSpace):  # sums of squared differences: equal samples are equally far
        squares = space.around(mean).squared_norms()
        doubt = 1e-12 * float(squares.max())
    else:
        squares = space.squared_norms() - 2 * space.dot(mean)
        doubt = 1e-12 * float(space.squared_norms().max())
    squares = squares[candidates]
    return int(candidates[np.argmax(squares >= squares.max() - doubt)])
