"""float64 sums over the numbers of two rows, added in one order that is written down.

So equal pairs have equal distances whoever asks, on every machine and any number of threads. 16 sums stand
side by side and are added by halves: a compiler that may reorder a sum orders it differently wherever the
loop is inlined, and one that may not is slow where every number waits for the one before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled

LANES = 16  # sums side by side
CHUNK = 128  # numbers that are multiplied, then added; and after which a sum already too large is given up


@compiled
def _add(terms: Array, size: int) -> None:
    """Add `size` terms, a multiple of LANES, to the sums that stand before them."""
    for at in range(LANES, LANES + size, LANES):
        for lane in range(LANES):
            terms[lane] += terms[at + lane]


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
    total, terms = 0.0, np.empty(LANES + CHUNK)
    for start in range(0, len(one), CHUNK):
        size = min(CHUNK, len(one) - start)
        some, others = one[start : start + size], two[start : start + size]
        for j in range(size):
            gap = np.float64(some[j]) - np.float64(others[j])
            terms[LANES + j] = gap * gap
        terms[:LANES] = 0.0
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
    terms, whole = np.empty(LANES + CHUNK), len(one) - len(one) % LANES
    terms[:LANES] = 0.0
    for start in range(0, whole, CHUNK):
        size = min(CHUNK, whole - start)
        some, others = one[start : start + size], two[start : start + size]
        for j in range(size):
            terms[LANES + j] = np.float64(some[j]) * np.float64(others[j])
        _add(terms, size)
    total = _halved(terms)
    for j in range(whole, len(one)):
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
