"""float64 sums over the numbers of two rows, added in one order that is written down.

So equal pairs have equal distances whoever asks, on every machine and any number of threads. 16 sums stand
side by side and are added by halves: a compiler that may reorder a sum orders it differently wherever the
loop is inlined, and one that may not is slow where every number waits for the one before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types  # type: ignore[attr-defined]
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic

from prune.core.arrays import Array
from prune.system.compilation import compiled

LANES = 16  # sums side by side
CHUNK = 128  # numbers that are multiplied, then added; and after which a sum already too large is given up
ROWS = CHUNK // LANES


def _reserve(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
    kind = context.get_value_type(types.float64)
    return alloca_once(builder, kind, size=LANES + CHUNK)  # type: ignore[no-untyped-call]


def _type_reserve(context: Any) -> Any:  # noqa: ARG001
    return types.CPointer(types.float64)(), _reserve  # type: ignore[no-untyped-call]


# Where sums and terms stand: on the stack, as an array of numpy's costs as much as a sum of 64 numbers.
_room: Any = intrinsic(_type_reserve)


@compiled
def _add(terms: Array, size: int) -> None:
    """Add `size` terms, a multiple of LANES, to the sums that stand before them."""
    for at in range(LANES, LANES + size, LANES):
        for lane in range(LANES):
            terms[lane] += terms[at + lane]


@compiled
def _gap_squared(one: float, two: float) -> float:
    gap = np.float64(one) - np.float64(two)
    return gap * gap


@compiled
def _add_squares(one: Array, two: Array, sums: Array) -> None:
    """Write the sums side by side of the squared gaps of a whole chunk, in the order of `_add`.

    Without a buffer: a lane takes its eight one after the other, and the lanes, none of which waits for
    another, become vectors. Of 512 numbers that is 1.6 times as fast.
    """
    for lane in range(LANES):
        total = 0.0
        for row in range(ROWS):
            total += _gap_squared(one[row * LANES + lane], two[row * LANES + lane])
        sums[lane] = total


@compiled
def _add_products(one: Array, two: Array, sums: Array) -> None:
    """Add the products of a whole chunk to the sums, in the order of `_add`."""
    for lane in range(LANES):
        total = sums[lane]
        for row in range(ROWS):
            total += np.float64(one[row * LANES + lane]) * np.float64(two[row * LANES + lane])
        sums[lane] = total


@compiled
def _halved(sums: Array) -> float:
    """Add the sums side by side, the second half of them to the first, until one is left."""
    for half in (8, 4, 2, 1):
        for lane in range(half):
            sums[lane] += sums[lane + half]
    return sums[0]


@compiled
def squared(one: Array, two: Array, limit: float) -> float:
    """‖one − two‖² in float64, or any number in ``[limit, ‖one − two‖²]`` if that is not below `limit`."""
    total, terms = 0.0, carray(_room(), LANES + CHUNK)
    for start in range(0, len(one), CHUNK):
        size = min(CHUNK, len(one) - start)
        some, others = one[start : start + size], two[start : start + size]
        if size == CHUNK:
            _add_squares(some, others, terms)
        else:
            for j in range(size):
                terms[LANES + j] = _gap_squared(some[j], others[j])
            for lane in range(LANES):
                terms[lane] = 0.0
            _add(terms, size - size % LANES)
        total += _halved(terms)
        for j in range(size - size % LANES, size):
            total += terms[LANES + j]
        if total >= limit:
            break
    return total


@compiled
def dot(one: Array, two: Array) -> float:
    """⟨one, two⟩ in float64; ``dot(x, x)`` of equal vectors are equal."""
    terms, whole = carray(_room(), LANES + CHUNK), len(one) - len(one) % LANES
    for lane in range(LANES):
        terms[lane] = 0.0
    for start in range(0, whole, CHUNK):
        size = min(CHUNK, whole - start)
        some, others = one[start : start + size], two[start : start + size]
        if size == CHUNK:
            _add_products(some, others, terms)
        else:
            for j in range(size):
                terms[LANES + j] = np.float64(some[j]) * np.float64(others[j])
            _add(terms, size)
    total = _halved(terms)
    for j in range(whole, len(one)):
        total += np.float64(one[j]) * np.float64(two[j])
    return total


@compiled
def gap_of(points: Any, i: int, batch: Any, j: int, limit: float) -> float:
    """‖x − y‖² in float64, or any number from `limit` up to it if that is not below `limit`.

    Of whatever holds `rows`, `features` and `squares`, as `FarthestPoints`, `Batch` and `Side` do.

    Of gradients it is ``‖x‖² + ‖y‖² − 2⟨x, y⟩``, whose terms are float64: 0 of equal gradients.
    """
    row, other = points.rows[i], batch.rows[j]
    feature, other_feature = points.features[i], batch.features[j]
    if len(feature) == 0:
        return squared(row, other, limit)
    product = dot(row, other) * (1.0 + dot(feature, other_feature))
    return max(points.squares[i] + batch.squares[j] - 2.0 * product, 0.0)


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
