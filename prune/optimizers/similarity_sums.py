"""Sums of similarities, as inner products where the similarity is the cosine; and what they will need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.index.resource_plan import Plan, Size
from prune.index.similarity import Similarity
from prune.index.space import Block, Sums
from prune.optimizers.pair_sums import ProductSums, TableSums

GUESSES = 192  # picks whose pairs with all samples are held at a time
BATCH = 256.0  # picks for each pass over the samples, where bounds decide


def sums_of_similarities(
    similarity: Similarity, base: Sums, coefficient: float, given: Rows, *, among: Rows | None = None
) -> ProductSums | TableSums:
    """Return the function with gains ``base_j + coefficient·Σ_{i∈S} sᵢⱼ`` for j outside of S.

    Where not all samples may be in S, `among` are those that may, and `given` positions among these.
    """
    if among is not None and len(among) < similarity.n:
        return _of_some(similarity, base[among], coefficient, given, among)
    n = similarity.n
    if similarity.kind == "cosine":
        slope = np.full(n, coefficient / 2)
        near = similarity.floor() > 0  # all cosines are near 1: what they differ by is left around the mean
        return ProductSums(similarity.space, base, slope, coefficient / 2, given, centred=near)
    memory = similarity.space.memory
    return TableSums(similarity.block, base, np.zeros(n), coefficient, scale=1.0, memory=memory, given=given)


def _of_some(
    similarity: Similarity, base: Sums, coefficient: float, given: Rows, among: Rows
) -> ProductSums | TableSums:
    if similarity.kind == "cosine":
        slope, near = np.full(len(among), coefficient / 2), similarity.floor() > 0
        some = similarity.space.subset(among)
        return ProductSums(some, base, slope, coefficient / 2, given, centred=near)

    def pairs(one: slice | Rows, two: slice | Rows) -> Block:
        return similarity.block(among[one], among[two])

    memory = similarity.space.memory
    return TableSums(pairs, base, np.zeros(len(among)), coefficient, scale=1.0, memory=memory, given=given)


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
