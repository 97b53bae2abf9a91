"""Messages along a graph: scores gathered from neighbours, and penalties from every sample that is taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.heap import heapify, pop, sink
from prune.index.kept_neighbours import Neighbours
from prune.index.space import Sums
from prune.system.compilation import compiled


class Edges(NamedTuple):
    """Who is joined to whom: the neighbours of i lie at ``starts[i]:starts[i + 1]``, by row."""

    starts: Array  # (n + 1,) int64
    rows: Array  # (nnz,) int32
    lengths: Array  # (nnz,) float32, in units of the mean distance of a sample to its neighbours


def edges_of(found: Neighbours) -> tuple[Edges, float]:
    """Join every sample to its nearest, in both directions; also return the mean distance, their unit.

    If all neighbours coincide, the unit is 1. Memory O(n · neighbours).
    """
    n, count = found.rows.shape
    distances = np.sqrt(found.squares.ravel())
    unit = float(distances.mean(dtype=np.float64)) if count else 0.0
    unit = unit or 1.0
    own, other = np.repeat(np.arange(n, dtype=np.int64), count), found.rows.ravel()
    pairs, first = np.unique(np.concatenate([own * n + other, other * n + own]), return_index=True)
    starts = np.searchsorted(pairs, np.arange(n + 1, dtype=np.int64) * n)
    lengths = distances[first % max(len(distances), 1)] / np.float32(unit)
    return Edges(starts, (pairs % n).astype(np.int32), lengths), unit


def gathered(edges: Edges, scores: Sums, gamma: float) -> Sums:
    """(n,) ``sᵢ + Σ exp(−γ·dᵢⱼ)·sⱼ`` over the neighbours j of i."""
    n = len(scores)
    own = np.repeat(np.arange(n), np.diff(edges.starts))
    messages = np.exp(-gamma * edges.lengths.astype(np.float64)) * scores[edges.rows]
    received: Sums = scores + np.bincount(own, messages, n)
    return received


def take_highest(
    edges: Edges, values: Sums, gamma: float, candidates: Rows, k: int, lots: Array
) -> tuple[Rows, Sums]:
    """Take k times the candidate of highest value v, ties by lower lot; its neighbours lose ``exp(−γ·d)·v``.

    `lots` holds a number a sample, (n,), and where these are equal too the lower row goes first.

    `values` is changed in place. A negative value takes nothing from anybody, so values only fall and what
    is taken never rises. Time O(k · (neighbours + log n)), but for values that are looked at again.
    """
    factors = np.exp(-gamma * edges.lengths.astype(np.float64))
    rows, gains = np.empty(k, np.int64), np.empty(k, np.float64)
    by_lot = np.argsort(lots, kind="stable")
    places = np.empty(len(values), np.int64)
    places[by_lot] = np.arange(len(values))
    _take(edges, factors, values, (values[candidates], places[candidates]), by_lot, rows, gains)
    return rows, gains


@compiled
def _take(
    edges: Edges,
    factors: Array,
    values: Array,
    heap: tuple[Array, Array],
    by_lot: Array,
    rows: Array,
    gains: Array,
) -> None:
    """Take from a heap of values, which may have fallen since, and places among the lots."""
    bounds, places = heap
    heapify(bounds, places, True)
    size, taken = len(bounds), 0
    while taken < len(rows):
        top = by_lot[places[0]]
        value = values[top]
        if value < bounds[0]:
            sink(bounds, places, size, 0, value, places[0], True)
            continue
        rows[taken], gains[taken] = top, value
        taken += 1
        pop(bounds, places, size, True)
        size -= 1
        if value > 0.0:
            for edge in range(edges.starts[top], edges.starts[top + 1]):
                values[edges.rows[edge]] -= factors[edge] * value
