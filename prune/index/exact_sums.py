"""float64 sums over the numbers of two rows, added in one order that is written down (`_lanes`).

So equal pairs have equal distances whoever asks, on every machine and any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from prune.core.arrays import Array
from prune.index.compilation import compiled

LANES = 16  # partial sums side by side
CHUNK = 128  # dimensions after which a sum that is already too large is given up


def _add_in_lanes(combine: Callable[..., Any], context: Any, builder: Any, signature: Any, args: Any) -> Any:
    one, two = (
        context.make_array(kind)(context, builder, value)
        for kind, value in zip(signature.args, args, strict=True)
    )
    wide, word = ir.VectorType(ir.DoubleType(), LANES), one.strides.type.element
    entry = builder.block
    head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    at, sums = builder.phi(word), builder.phi(wide)
    at.add_incoming(ir.Constant(word, 0), entry)
    sums.add_incoming(ir.Constant(wide, [0.0] * LANES), entry)
    after = builder.add(at, ir.Constant(word, LANES))
    builder.cbranch(builder.icmp_signed("<=", after, builder.extract_value(one.shape, 0)), body, done)
    builder.position_at_end(body)
    term = combine(builder, _load(builder, one, at), _load(builder, two, at))
    sums.add_incoming(builder.fadd(sums, term), body)
    at.add_incoming(after, body)
    builder.branch(head)
    builder.position_at_end(done)
    return _halve(builder, sums)


def _load(builder: Any, array: Any, at: Any) -> Any:
    kind = array.data.type.pointee
    start = builder.bitcast(builder.gep(array.data, [at]), ir.VectorType(kind, LANES).as_pointer())
    lanes = builder.load(start, align=4)
    return lanes if kind == ir.DoubleType() else builder.fpext(lanes, ir.VectorType(ir.DoubleType(), LANES))


def _halve(builder: Any, sums: Any) -> Any:
    width = LANES
    while width > 1:
        width //= 2
        kind = ir.VectorType(ir.IntType(32), width)
        halves = [
            builder.shuffle_vector(sums, sums, ir.Constant(kind, list(range(start, start + width))))
            for start in (0, width)
        ]
        sums = builder.fadd(*halves)
    return builder.extract_element(sums, ir.Constant(ir.IntType(32), 0))


def _square_of_gap(builder: Any, one: Any, two: Any) -> Any:
    gap = builder.fsub(one, two)
    return builder.fmul(gap, gap)


def _product(builder: Any, one: Any, two: Any) -> Any:
    return builder.fmul(one, two)


def _type_lanes(context: Any, one: Any, two: Any) -> Any:  # noqa: ARG001
    return types.float64(one, two), partial(_add_in_lanes, _square_of_gap)


def _type_products(context: Any, one: Any, two: Any) -> Any:  # noqa: ARG001
    return types.float64(one, two), partial(_add_in_lanes, _product)


# Σ (one − two)² and Σ one·two over the whole multiples of LANES. Written as vectors, since a compiler that
# may reorder a sum orders it differently wherever the loop is inlined, and one that may not is five times
# slower.
_lanes: Any = intrinsic(_type_lanes)
_products: Any = intrinsic(_type_products)


@compiled
def squared(one: Array, two: Array, limit: float) -> float:
    """‖one − two‖² in float64, or any number in ``[limit, ‖one − two‖²]`` if that is not below `limit`."""
    total = 0.0
    for start in range(0, len(one), CHUNK):
        stop = min(start + CHUNK, len(one))
        total += _lanes(one[start:stop], two[start:stop])
        for j in range(stop - (stop - start) % LANES, stop):
            gap = np.float64(one[j]) - np.float64(two[j])
            total += gap * gap
        if total >= limit:
            break
    return total


@compiled
def dot(one: Array, two: Array) -> float:
    """⟨one, two⟩ in float64; ``dot(x, x)`` of equal vectors are equal."""
    total = _products(one, two)
    for j in range(len(one) - len(one) % LANES, len(one)):
        total += np.float64(one[j]) * np.float64(two[j])
    return total


@compiled
def gap_between(one: tuple[Array, Array, float], two: tuple[Array, Array, float], limit: float) -> float:
    """Do what `gap_of` does, of two samples that are taken out already: row, feature, square."""
    row, feature, square = one
    other, other_feature, other_square = two
    if len(feature) == 0:
        return squared(row, other, limit)
    product = dot(row, other) * (1.0 + dot(feature, other_feature))
    return max(square + other_square - 2.0 * product, 0.0)


@compiled
def gap_of(points: Any, i: int, batch: Any, j: int, limit: float) -> float:
    """‖x − y‖² in float64, or any number from `limit` up to it if that is not below `limit`.

    Of whatever holds `rows`, `features` and `squares`, as `FarthestPoints` and `Batch` do.

    Of gradients it is ``‖x‖² + ‖y‖² − 2⟨x, y⟩``, whose terms are float64: 0 of equal gradients.
    """
    one = points.rows[i], points.features[i], points.squares[i]
    return gap_between(one, (batch.rows[j], batch.features[j], batch.squares[j]), limit)


@compiled
def write_gaps(one: Any, two: Any, out: Array) -> None:
    """Write the squared distances of all pairs."""
    for i in range(len(out)):
        for j in range(out.shape[1]):
            out[i, j] = gap_of(one, i, two, j, np.inf)


@compiled
def distances(rows: Array, point: Array, out: Array) -> None:
    """Write ‖row − point‖² for every row; `point` is float64."""
    for i in range(len(rows)):
        out[i] = squared(rows[i], point, np.inf)
