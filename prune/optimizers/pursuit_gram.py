"""Inner products and sums of a few samples in float64: what a residual that must reach zero is made of."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index.gradients import GradientSpace
from prune.index.space import BLOCK, Space, Sums, Vector

Gram: TypeAlias = npt.NDArray[np.float64]  # (a, b) inner products


def exact_products(space: Space, one: slice | Rows, two: slice | Rows | None = None) -> Gram:
    """(a, b) float64 inner products; (a, a), symmetric to the last bit, where `two` is left out."""
    ours = wide(space, one)
    theirs = ours if two is None else wide(space, two)
    product: Gram = ours[-1] @ theirs[-1].T  # one matrix with its own transpose costs half
    if len(ours) == 2:
        product *= ours[0] @ theirs[0].T
    return product


def exact_sum(space: Space, rows: Rows, weights: Sums) -> Vector:
    """Σ wⱼ xⱼ over some samples, float64 throughout."""
    total: Vector | None = None
    for start in range(0, len(rows), BLOCK):
        span = slice(start, start + BLOCK)
        factors, scales = wide(space, rows[span]), weights[span]
        part = scales @ factors[0] if len(factors) == 1 else (factors[0] * scales[:, None]).T @ factors[1]
        total = part if total is None else total + part
    return np.zeros_like(space.sum(np.zeros(space.n))) if total is None else total


def exact_dot(space: Space, rows: Rows, vector: Vector) -> Sums:
    """(k,) float64 inner products of some samples with a point of the space."""
    out = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        span = slice(start, start + BLOCK)
        factors = wide(space, rows[span])
        mixed = factors[0] @ vector
        out[span] = mixed if len(factors) == 1 else np.einsum("bd,bd->b", mixed, factors[1])
    return out


def wide(space: Space, which: slice | Rows) -> tuple[Array, ...]:
    """Return samples in float64: the vectors, or errors e and features [h; 1]."""
    if isinstance(space, GradientSpace):
        errors, features = space.wide(which)
        with_bias = np.ones((len(features), space.d + 1))
        with_bias[:, :-1] = features
        return errors, with_bias
    return (space.coordinates().wide(which),)
