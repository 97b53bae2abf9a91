"""The inner loops of farthest-first: float32 products tell who may be nearer, float64 sums decide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.index.exact_sums import gap_of
from prune.index.product_bounds import limit_of, slack
from prune.system.compilation import compiled

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


@compiled
def lower_by_products(points: FarthestPoints, batch: Batch, products: Array) -> None:
    """Lower the nearest distances of `points` to those of `batch`, told by float32 products where to look."""
    for i in range(len(points.nearest)):
        now = points.nearest[i]
        if now <= 0.0:
            continue
        error = slack(np.sqrt(points.norms[i]), batch.reach, batch.terms)
        limit = limit_of(now, points.norms[i], batch.scale, error)
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
                limit = limit_of(now, points.norms[i], batch.scale, error)


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
            if batch.halves[best] - products[best, i] < limit_of(now, points.norms[i], batch.scale, error):
                new = gap_of(points, i, batch, best, now)
                if new < now:
                    points.nearest[i] = new
                    points.owner[i] = batch.first + count
    return len(picks)
