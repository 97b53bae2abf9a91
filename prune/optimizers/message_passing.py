"""Messages along a graph: scores gathered from neighbours, and penalties from every sample that is taken."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.farthest_kernels import compiled
from prune.index.kept_neighbours import Neighbours
from prune.index.space import Sums


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
    places = np.empty(len(values), np.int64)
    places[np.argsort(lots, kind="stable")] = np.arange(len(values))
    _take(edges, factors, (values, places), candidates.copy(), rows, gains)
    return rows, gains


@compiled
def _take(
    edges: Edges, factors: Array, ranking: tuple[Array, Array], heap: Array, rows: Array, gains: Array
) -> None:
    values, places = ranking
    bounds = values.copy()  # what the heap believes: never below the value
    size = len(heap)
    for at in range(size // 2 - 1, -1, -1):
        _sink(heap, bounds, places, size, at)
    taken = 0
    while taken < len(rows):
        top = heap[0]
        value = values[top]
        if value < bounds[top]:
            bounds[top] = value
        else:
            rows[taken], gains[taken] = top, value
            taken += 1
            size -= 1
            heap[0] = heap[size]
            if value > 0.0:
                for edge in range(edges.starts[top], edges.starts[top + 1]):
                    values[edges.rows[edge]] -= factors[edge] * value
        _sink(heap, bounds, places, size, 0)


@compiled
def _sink(heap: Array, bounds: Array, places: Array, size: int, at: int) -> None:
    row = heap[at]
    bound = bounds[row]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            bounds[heap[right]] > bounds[heap[child]]
            or (bounds[heap[right]] == bounds[heap[child]] and places[heap[right]] < places[heap[child]])
        ):
            child = right
        below = bounds[heap[child]]
        if below < bound or (below == bound and places[heap[child]] > places[row]):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = row
