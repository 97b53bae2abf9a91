"""The k nearest of every sample, kept while blocks of samples meet: float32 looks, float64 decides.

A float32 product with a bound on its rounding tells which pairs cannot matter; the others, a few hundred a
sample, get their float64 distance. So what is kept is the true set of nearest, ties by lower row, in whatever
order blocks meet and however many threads there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.index.exact_sums import gap_of, squared
from prune.index.heap import pop, sink
from prune.index.product_bounds import TINY, limit_of, slack
from prune.index.quickselect import quickselect
from prune.system.compilation import compiled

NOBODY = 2**31 - 1
STRETCH = 32  # products looked at together
TURNED = 64  # columns copied into rows together
LINE = 16  # numbers of a cache line, so that rows do not compete for one place
AND_MORE = 1.0 + 2.0**-50  # a distance equal to the limit is not given up


class Heaps(NamedTuple):
    """The nearest so far of all samples: the farthest of them, by distance and then row, comes first."""

    gaps: Array  # (n, count) float64, squared distances
    who: Array  # (n, count) int32


class Side(NamedTuple):
    """A block of samples, as vectors or as factors."""

    rows: Array  # (b, d) float32 vectors, or (b, c) errors
    features: Array  # (b, 0), or (b, d) features of gradients
    squares: Array  # (b,) float64, what `dot` gives of a sample with itself; used for factors only
    norms: Array  # (b,) float64, squared, in the frame of the products
    halves: Array  # (b,) float32, half of that
    names: Array  # (b,) int64, the row of each
    places: Array  # (b,) int64, where its heap is


class MeetingRule(NamedTuple):
    """How samples that keep meet samples that are offered."""

    scale: float  # squared distances in the frame of the products are `scale` times the real ones
    width: int  # terms in the sum of a product
    reach: float  # the largest norm of those offered
    apart: bool  # rows of the two sides name different samples
    again: bool  # some pairs may have met before


def heaps_of(n: int, count: int) -> Heaps:
    """Return heaps that have met nobody."""
    return Heaps(np.full((n, count), np.inf), np.full((n, count), NOBODY, np.int32))


@compiled
def _offer(gaps: Array, who: Array, gap: float, name: int) -> bool:
    """Replace the farthest by a sample that is nearer, ties by the lower row; say whether it was."""
    nearer = gap < gaps[0] or (gap == gaps[0] and name < who[0])
    if nearer:
        sink(gaps, who, len(gaps), 0, gap, name, False)
    return nearer


@compiled
def _holds(numbers: Array, number: int) -> bool:
    found = False
    for other in numbers:
        found |= other == number
    return found


@compiled
def _look(products: Array, halves: Array, limit: np.float32, found: Array, keys: Array) -> int:
    count = 0
    for start in range(0, len(products), STRETCH):
        looked, half = products[start : start + STRETCH], halves[start : start + STRETCH]
        near = False
        for j in range(len(looked)):
            near |= (half[j] - looked[j]) < limit
        if not near:
            continue
        for j in range(len(looked)):
            key = half[j] - looked[j]
            found[count], keys[count] = start + j, key
            count += key < limit
    return count


@compiled
def _meet_one(
    heap: tuple[Array, Array],
    one: Side,
    i: int,
    two: Side,
    products: Array,
    rule: MeetingRule,
    space: tuple[Array, Array],
) -> None:
    gaps, who = heap
    found, keys = space
    norm, name, vectors = one.norms[i], one.names[i], one.features.shape[1] == 0
    row, rows = one.rows[i], two.rows
    error = slack(np.sqrt(norm), rule.reach, rule.width)
    limit = limit_of(gaps[0], norm, rule.scale, error)
    hits = _look(products, two.halves, limit, found, keys)
    if hits > 2 * (
        len(gaps) + 1
    ):  # the nearest of these, oneself apart, bound the distance of all that matter
        single = len(gaps) == 1 and rule.apart
        edge = keys[:hits].min() if single else quickselect(keys[:hits].copy(), len(gaps))
        limit = np.float32(min(limit, edge + 2.0 * error))
    for k in range(hits):
        if keys[k] >= limit:
            continue
        j = found[k]
        other = two.names[j]
        if (name == other and not rule.apart) or (rule.again and _holds(who, other)):
            continue
        far = gaps[0] * AND_MORE + TINY
        # Without a call that takes both sides, which costs as much as a short distance.
        gap = squared(row, rows[j], far) if vectors else gap_of(one, i, two, j, far)
        if _offer(gaps, who, gap, other):
            limit = np.float32(min(limit, limit_of(gaps[0], norm, rule.scale, error)))


@compiled
def meet_rows(
    heaps: Heaps, one: Side, two: Side, products: Array, rule: MeetingRule, span: tuple[int, int]
) -> None:
    """Offer all of `two` to the samples of `one` in `span`."""
    space = np.empty(products.shape[1] + 1, np.int64), np.empty(products.shape[1] + 1, np.float32)
    for i in range(span[0], span[1]):
        gaps, who = heaps.gaps[one.places[i]], heaps.who[one.places[i]]
        _meet_one((gaps, who), one, i, two, products[i], rule, space)


@compiled
def meet_columns(
    heaps: Heaps, one: Side, two: Side, products: Array, rule: MeetingRule, span: tuple[int, int]
) -> None:
    """Offer all of `one` to the samples of `two` in `span`."""
    space = np.empty(len(products) + 1, np.int64), np.empty(len(products) + 1, np.float32)
    turned = np.empty((TURNED, len(products) + LINE), np.float32)
    for start in range(span[0], span[1], TURNED):
        stop = min(start + TURNED, span[1])
        for i in range(len(products)):
            row = products[i, start:stop]
            for j in range(len(row)):
                turned[j, i] = row[j]
        for j in range(start, stop):
            gaps, who = heaps.gaps[two.places[j]], heaps.who[two.places[j]]
            _meet_one((gaps, who), two, j, one, turned[j - start, : len(products)], rule, space)


@compiled
def meet_named(heaps: Heaps, one: Side, two: Side, candidates: Array, apart: bool) -> None:
    """Offer to each sample of `one` those of `two` that its row of `candidates` names by place; −1 is nobody.

    With `apart`, rows of the two sides name different samples.
    """
    for i in range(len(candidates)):
        gaps, who = heaps.gaps[one.places[i]], heaps.who[one.places[i]]
        for j in candidates[i]:
            if j >= 0 and (apart or two.names[j] != one.names[i]):
                gap = gap_of(one, i, two, j, gaps[0] * AND_MORE + TINY)
                _offer(gaps, who, gap, two.names[j])


@compiled
def in_order(heaps: Heaps, span: tuple[int, int], rows: Array, squares: Array) -> None:
    """Write the heaps of the samples in `span`, nearest first, ties by lower row."""
    count = heaps.gaps.shape[1]
    for i in range(span[0], span[1]):
        gaps, who = heaps.gaps[i], heaps.who[i]
        for size in range(count, 0, -1):
            rows[i, size - 1] = who[0]
            squares[i, size - 1] = min(gaps[0], 3.4028234e38)
            pop(gaps, who, size, False)
