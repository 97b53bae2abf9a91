"""The inner loops of farthest-first among distributions: float32 products look, float64 sums decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.index.product_bounds import UNIT
from prune.system.compilation import compiled

TAKEN = -1.0  # in place of the divergence of a sample that is chosen
CHUNK = 64  # classes after which a sum that is already too large is given up


class KlPoints(NamedTuple):
    """Some samples, and how far each is from the chosen ones."""

    rows: Array  # (b, 2c) float32, probabilities and their logarithms
    own: Array  # (b,) float64, Σ p ln p
    reach: Array  # (b,) float64, the largest |ln p|
    nearest: Array  # (b,) float64


class Centres(NamedTuple):
    """New centres."""

    rows: Array  # (s, 2c) float32
    own: Array  # (s,) float32
    reach: float  # the largest |ln p| of all


@compiled
def divergence(one: Array, two: Array, limit: float) -> float:
    """``½ Σ (p − q)(ln p − ln q)``, or any number from `limit` up to it if it is not below `limit`."""
    c = len(one) // 2
    total = 0.0
    for start in range(0, c, CHUNK):
        stop = min(start + CHUNK, c)
        even, odd = 0.0, 0.0
        for j in range(start, stop - 1, 2):
            even += (np.float64(one[j]) - two[j]) * (np.float64(one[c + j]) - two[c + j])
            odd += (np.float64(one[j + 1]) - two[j + 1]) * (np.float64(one[c + j + 1]) - two[c + j + 1])
        if (stop - start) % 2:
            j = stop - 1
            even += (np.float64(one[j]) - two[j]) * (np.float64(one[c + j]) - two[c + j])
        total += (even + odd) / 2
        if total >= limit:
            break
    return total


@compiled
def divergences(rows: Array, point: Array, out: Array) -> None:
    """Write the divergence of every row from one distribution."""
    for i in range(len(rows)):
        out[i] = divergence(rows[i], point, np.inf)


@compiled
def describe(rows: Array, own: Array, reach: Array, mean: Array) -> None:
    """Write Σ p ln p and the largest |ln p| of every row, and add its probabilities to `mean`."""
    c = rows.shape[1] // 2
    for i in range(len(rows)):
        total, least = 0.0, 0.0
        for j in range(c):
            total += np.float64(rows[i, j]) * rows[i, c + j]
            least = min(least, rows[i, c + j])
            mean[j] += rows[i, j]
        own[i] = total
        reach[i] = -least


@compiled
def threshold(points: KlPoints, i: int, reach: float, c: int) -> np.float32:
    """What ``p·ln q + q·ln p − Σ q ln q`` in float32 has to exceed if q may be nearer to sample i.

    A dot product of 2c terms is off by at most ``2c·u`` times the sum of their sizes, which is at most the
    largest logarithms of both, since probabilities sum to 1.
    """
    error = (2.0 * c + 16.0) * UNIT * (points.reach[i] + reach) * 1.01
    return np.float32(points.own[i] - 2.0 * points.nearest[i] - error)


@compiled
def lower(points: KlPoints, centres: Centres, crossed: Array) -> None:
    """Lower the divergences of `points` to those from new centres.

    `crossed` (b, s) float32: p·ln q + q·ln p; used up.
    """
    c = points.rows.shape[1] // 2
    for i in range(len(points.nearest)):
        if points.nearest[i] <= 0.0:
            continue
        row = crossed[i]
        limit = threshold(points, i, centres.reach, c)
        near = 0
        for j in range(len(row)):
            row[j] -= centres.own[j]
            near += row[j] > limit
        if near == 0:
            continue
        first = int(np.argmax(row)) if near > 1 else -1
        for step in range(-1 if near > 1 else 0, len(row)):
            j = first if step < 0 else step
            if (step >= 0 and j == first) or row[j] <= limit:
                continue
            now = divergence(points.rows[i], centres.rows[j], points.nearest[i])
            if now < points.nearest[i]:
                points.nearest[i] = now
                limit = threshold(points, i, centres.reach, c)


@compiled
def grow(
    points: KlPoints, centres: Centres, crossed: Array, outside: float, picks: Array, gaps: Array
) -> int:
    """Pick the farthest of `points` again and again while it is farther than `outside`.

    Returns
    -------
    How many were picked; `picks` are positions, `gaps` the divergences at which they were taken.
    """
    c = points.rows.shape[1] // 2
    for count in range(len(picks)):
        best = int(np.argmax(points.nearest))
        if points.nearest[best] <= outside:
            return count
        picks[count] = best
        gaps[count] = points.nearest[best]
        points.nearest[best] = TAKEN
        for i in range(len(points.nearest)):
            if points.nearest[i] <= 0.0:
                continue
            if crossed[best, i] - centres.own[best] > threshold(points, i, centres.reach, c):
                now = divergence(points.rows[i], points.rows[best], points.nearest[i])
                points.nearest[i] = min(now, points.nearest[i])
    return len(picks)
