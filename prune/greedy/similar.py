"""Sums of similarities, as inner products where the similarity is the cosine; and what they will need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.arrays import Rows
from prune.greedy.points import distances
from prune.greedy.sums import Pairs, ProductSums, TableSums
from prune.index.plan import Plan, Size
from prune.index.similarity import Similarity
from prune.index.space import BLOCK, Block, Sums

GUESSES = 192  # picks whose pairs with all samples are held at a time
ROWS = 1024  # of a block of pairs
BATCH = 256.0  # picks for each pass over the samples, where bounds decide


def sums_of_similarities(
    similarity: Similarity, base: Sums, coefficient: float, given: Rows
) -> ProductSums | TableSums:
    """Return the function with gains ``base_j + coefficient·Σ_{i∈S} sᵢⱼ`` for j outside of S."""
    n = similarity.n
    if similarity.kind == "cosine":
        slope = np.full(n, coefficient / 2)
        return ProductSums(similarity.space, base, slope, coefficient / 2, given)
    memory = similarity.space.memory
    return TableSums(
        pairs_of(similarity), base, np.zeros(n), coefficient, scale=1.0, memory=memory, given=given
    )


def pairs_of(similarity: Similarity) -> Pairs:
    """Return blocks of similarities that are exact to float32 for near samples too."""

    def pairs(one: slice | Rows, two: slice | Rows) -> Block:
        return similarity.of_squared_distances(np.square(distances(similarity.space, one, two)))

    return pairs


def totals_of(similarity: Similarity) -> Sums:
    """(n,) float64 Σᵢ sᵢⱼ over all samples: in one pass for cosine, from all pairs otherwise."""
    if similarity.kind == "cosine":
        return similarity.totals()
    n, pairs = similarity.n, pairs_of(similarity)
    out = np.zeros(n)
    for start in range(0, n, ROWS):
        one = slice(start, min(start + ROWS, n))
        for other in range(start, n, BLOCK):
            block = pairs(one, slice(other, min(other + BLOCK, n)))
            out[one] += block.sum(1, dtype=np.float64)
            outside = slice(max(one.stop - other, 0), None)
            out[other : other + block.shape[1]][outside] += block[:, outside].sum(0, dtype=np.float64)
    return out


def plan_of_sums(size: Size, k: int, options: Mapping[str, Any], *, totals: bool) -> Plan:
    """Return what greedy on sums of pairs needs.

    Parameters
    ----------
    totals
        Whether the fixed parts are sums over all samples too.
    """
    kind = str(options.get("similarity", options.get("metric", "cosine")))
    n, width = float(size.n), float(size.width)
    held = int(120 * n + 4 * n * min(GUESSES, k) + 2**27)
    if kind != "cosine":
        work = 2 * n * width * (k + (n if totals else 0))
        return Plan("tiled", f"{kind} pairs are computed a block at a time", held, work)
    if options.get("greedy") == "naive":
        return Plan("direct", "a pass over the samples for each pick", int(120 * n), 2 * n * width * k)
    work = 2 * n * width * (k / BATCH + 10 if totals else k)
    return Plan("direct", "sums of cosines are products with the sum of the chosen", held, work)
