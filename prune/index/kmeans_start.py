"""The k-means++ start: centroids drawn among the samples, by squared distance to those drawn before.

Most samples are nearer to a centroid that they have than to one that is drawn: a float32 product with a bound
on its rounding shows it, and only for the others is the float64 distance, which decides, computed.
"""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.index.blocks import Operand, Operands, operands_of
from prune.index.exact_sums import squared
from prune.index.product_bounds import limit_of, slack
from prune.index.space import Block, EmbeddingSpace, Sums
from prune.index.topk import Side
from prune.system.compilation import compiled

DRAWS = 256  # rounds of drawing: beyond so many centroids, several are drawn together
TRIALS = 4  # draws of which one is kept, while centroids are drawn one by one
STARTS = 32  # samples a centroid to draw from
MOST = float(np.finfo(np.float32).max)


def started(space: EmbeddingSpace, count: int, rng: np.random.Generator) -> Block:
    """(m, d) samples to start from, m ≤ count: fewer where there are fewer distinct ones."""
    size = min(space.n, max(STARTS * count, 4096))
    if size < space.n:
        space = space.subset(np.sort(rng.choice(space.n, size, replace=False)))
    operands = operands_of(space)
    samples = operands.load(slice(0, space.n))
    taken = [int(rng.integers(space.n))]
    gaps = _served(operands, samples, operands.load(np.array(taken)), np.full(space.n, np.inf))[:, 0]
    together = -(-count // DRAWS)
    while len(taken) < count and gaps.max() > 0:
        total = np.cumsum(gaps)
        draws = rng.random(max(TRIALS, together)) * total[-1]
        fresh = np.unique(np.searchsorted(total, draws, side="right").clip(0, space.n - 1))
        fresh = fresh[gaps[fresh] > 0]
        fresh = fresh[: count - len(taken)] if together > 1 else fresh
        served = _served(operands, samples, operands.load(fresh), gaps)
        if together == 1:  # keep the one draw that serves the samples best
            best = int(np.argmin(served.sum(0)))
            fresh, served = fresh[best : best + 1], served[:, best : best + 1]
        gaps = served.min(1)
        taken.extend(fresh.tolist())
    return space.take(np.array(taken))


def _served(operands: Operands, samples: Operand, fresh: Operand, gaps: Sums) -> Sums:
    """(n, m) squared distances to the nearest, if each of m samples were a centroid too."""
    served = np.empty((len(gaps), len(fresh.framed)))
    products = operands.products(samples, fresh, np.empty(served.size, np.float32))
    reach = float(np.sqrt(fresh.side.norms.max(initial=0.0)))
    _serve(served, samples.side, fresh.side, products, gaps, (operands.scale**2, operands.terms, reach))
    return served


@compiled
def _serve(
    served: Array, one: Side, two: Side, products: Array, gaps: Array, rule: tuple[float, int, float]
) -> None:
    scale, terms, reach = rule
    for i in range(len(served)):
        now, norm = gaps[i], one.norms[i]
        limit = limit_of(now, norm, scale, slack(np.sqrt(norm), reach, terms))
        for j in range(served.shape[1]):
            served[i, j] = now
            if two.halves[j] - products[i, j] < limit:
                gap = squared(one.rows[i], two.rows[j], now)
                served[i, j] = min(now, np.float64(np.float32(min(gap, MOST))))
