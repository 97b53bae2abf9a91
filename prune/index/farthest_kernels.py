"""The inner loops of farthest-first: float32 products decide who may be nearer, float64 differences decide.

Every distance that counts is the float64 sum of squared differences, added in one order that is written down
(`_lanes`), so that equal pairs have equal distances whoever asks, on every machine and any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from prune.core.arrays import Array

F = TypeVar("F", bound=Callable[..., Any])

LANES = 16  # partial sums side by side
CHUNK = 128  # dimensions after which a sum that is already too large is given up
UNIT = 2.0**-24  # half the distance from 1 to the next float32
TINY = 2.0**-100  # more than any product loses below float32's smallest number
TAKEN = -1.0  # in place of the squared distance of a sample that is a centre itself


class FarthestPoints(NamedTuple):
    """Some samples, and how far each is from the centres so far."""

    rows: Array  # (b, d) float32; errors (b, c) of gradients
    features: Array  # (b, 0) float32; features (b, d) of gradients
    squares: Array  # (b,) float64, of gradients ‖e‖²(1 + ‖h‖²) as `dot` adds it up
    norms: Array  # (b,) float64, squared, in the frame of the products
    nearest: Array  # (b,) float64, squared distance to the nearest centre; TAKEN for a centre
    owner: Array  # (b,) int64, which centre that is


class Batch(NamedTuple):
    """New centres, and the numbers that bound the rounding of their float32 products."""

    rows: Array  # (s, d) float32; errors (s, c) of gradients
    features: Array  # (s, 0) float32; features (s, d) of gradients
    squares: Array  # (s,) float64, as in `FarthestPoints`
    halves: Array  # (s,) float32, half the squared norms, in the frame of the products
    reach: float  # the largest norm
    first: int  # the first new centre is centre number `first`
    scale: float  # squared distances in the frame of the products are `scale` times the real ones
    terms: int  # in the sum of a product


def compiled(function: F) -> F:
    """Compile to machine code, kept on disk where there is a place; other threads run on meanwhile."""
    try:
        return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package nor the home folder can be written to
        return cast(F, njit(nogil=True, error_model="numpy")(function))


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
def widen(halves: Array, words: Array) -> None:
    """Move sign, exponent and fraction of float16 to where float32 has them; times 2¹¹² is left to do."""
    for i in range(len(halves)):
        half = np.int32(halves[i])
        words[i] = ((half & 0x8000) << 16) | ((half & 0x7FFF) << 13)


@compiled
def add_rows(rows: Array, total: Array) -> None:
    """Add every row to the float64 vector `total`, first row first."""
    for i in range(len(rows)):
        total += rows[i]


@compiled
def distances(rows: Array, point: Array, out: Array) -> None:
    """Write ‖row − point‖² for every row; `point` is float64."""
    for i in range(len(rows)):
        out[i] = squared(rows[i], point, np.inf)


@compiled
def gap_of(points: Any, i: int, batch: Any, j: int, limit: float) -> float:
    """‖x − y‖² in float64, or any number from `limit` up to it if that is not below `limit`.

    Of whatever holds `rows`, `features` and `squares`, as `FarthestPoints` and `Batch` do.

    Of gradients it is ``‖x‖² + ‖y‖² − 2⟨x, y⟩``, whose terms are float64: 0 of equal gradients.
    """
    if points.features.shape[1] == 0:
        return squared(points.rows[i], batch.rows[j], limit)
    product = dot(points.rows[i], batch.rows[j]) * (1.0 + dot(points.features[i], batch.features[j]))
    return max(points.squares[i] + batch.squares[j] - 2.0 * product, 0.0)


@compiled
def slack(norm: float, reach: float, d: int) -> float:
    """How far ``½‖c‖² − y·c`` in float32 can be from the truth, whatever the order of the sum.

    A dot product of d terms is off by at most ``d·u/(1 − d·u)·‖y‖‖c‖`` (Higham 2002, section 3.1); halving,
    subtracting and moving into the frame of the products round a few times more.
    """
    return UNIT * ((d + 8.0) / (1.0 - (d + 8.0) * UNIT) * norm * reach + 8.0 * (norm + reach) ** 2) + TINY


@compiled
def lower_by_products(points: FarthestPoints, batch: Batch, products: Array) -> None:
    """Lower the nearest distances of `points` to those of `batch`, told by float32 products where to look."""
    for i in range(len(points.nearest)):
        now = points.nearest[i]
        if now <= 0.0:
            continue
        error = slack(np.sqrt(points.norms[i]), batch.reach, batch.terms)
        limit = np.float32(0.5 * (now * batch.scale - points.norms[i]) + error)
        near = 0
        for j in range(len(batch.halves)):
            near += (batch.halves[j] - products[i, j]) < limit
        if near == 0:
            continue
        best = int(np.argmin(batch.halves - products[i])) if near > 1 else -1
        for step in range(-1 if near > 1 else 0, len(batch.halves)):
            j = best if step < 0 else step
            if (step >= 0 and j == best) or batch.halves[j] - products[i, j] >= limit:
                continue
            new = gap_of(points, i, batch, j, now)
            if new < now:
                now = new
                points.nearest[i] = now
                points.owner[i] = batch.first + j
                limit = np.float32(0.5 * (now * batch.scale - points.norms[i]) + error)


@compiled
def lower_by_triangle(points: FarthestPoints, batch: Batch, gaps: Array) -> None:
    """Do the same, told by ``d(i, c) ≥ d(a, c) − d(i, a)``, where a is the centre that owns i.

    `gaps` (centres before, s) float32: lower bounds of the squared distances of old to new centres.
    """
    for i in range(len(points.nearest)):
        now = points.nearest[i]
        if now <= 0.0:
            continue
        gap = gaps[points.owner[i]]
        radius = np.sqrt(now)
        limit = np.float32(4.0 * now * batch.scale * (1.0 + 1e-5))
        near = 0
        for j in range(len(gap)):
            near += gap[j] < limit
        if near == 0:
            continue
        for j in range(len(gap)):
            if gap[j] < limit:
                new = gap_of(points, i, batch, j, now)
                if new < now:
                    now = new
                    points.nearest[i] = now
                    points.owner[i] = batch.first + j
                    limit = np.float32((radius + np.sqrt(now)) ** 2 * batch.scale * (1.0 + 1e-5))


@compiled
def grow(
    points: FarthestPoints,
    batch: Batch,
    products: Array,
    outside: tuple[float, int],
    picks: Array,
    gaps: Array,
) -> int:
    """Pick the farthest of `points` again and again while no sample outside them can be farther.

    Parameters
    ----------
    points : m candidates, in the order of their rows
    batch
        The same candidates as possible centres.
    products : (m, m)
        float32 inner products in their frame.
    outside
        The largest squared distance among all other samples, and how many candidates come before the first
        sample that has it.
    picks, gaps : (s,) int64, (s,) float64
        Filled with positions in `points`, and with the squared distance at which each was taken.

    Returns
    -------
    How many were picked: at least one, unless every candidate coincides with a centre.
    """
    farthest, before = outside
    for count in range(len(picks)):
        best = int(np.argmax(points.nearest))
        value = points.nearest[best]
        if value <= 0.0 or value < farthest or (value == farthest and best >= before):
            return count
        picks[count] = best
        gaps[count] = value
        points.nearest[best] = TAKEN
        reach = np.sqrt(points.norms[best])
        for i in range(len(points.nearest)):
            now = points.nearest[i]
            error = slack(np.sqrt(points.norms[i]), reach, batch.terms)
            if batch.halves[best] - products[best, i] < 0.5 * (now * batch.scale - points.norms[i]) + error:
                new = gap_of(points, i, batch, best, now)
                if new < now:
                    points.nearest[i] = new
                    points.owner[i] = batch.first + count
    return len(picks)
