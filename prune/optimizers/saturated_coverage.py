"""Saturated coverage: every sample wants a share of its likeness to all, and no more."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.graph import Graph
from prune.index.similarity import Similarity
from prune.index.space import Sums
from prune.system.compilation import compiled
from prune.system.executors.threads import threads

BLOCK = 1024  # samples on each side of a block of similarities


class SaturatedCoverage:
    """``f(S) = Σᵢ min(Σ_{j∈S} sᵢⱼ, α·Σ_{j∈V} sᵢⱼ)`` on symmetric compressed rows; absent pairs are 0.

    Parameters
    ----------
    values
        (n, n) similarities, or those of the graph.
    graph
        The pairs that count; None where all do.
    alpha
        In ``(0, 1]``.
    given
        Rows in S from the start.
    """

    def __init__(self, values: Array, graph: Graph | None, alpha: float, given: Rows) -> None:
        self.values, self.graph = values, graph
        self.n = len(values) if graph is None else len(graph.starts) - 1
        if graph is None:
            whole = values.sum(1, dtype=np.float64)
        else:
            whole = np.add.reduceat(values.astype(np.float64), graph.starts[:-1])
        self.room = alpha * whole  # what each may still get
        self.whole = float(self.room.sum())
        for row in given.tolist():
            self.add(row)

    @classmethod
    def dense(cls, similarity: Similarity, alpha: float, given: Rows) -> SaturatedCoverage:
        """Hold all similarities."""
        n = similarity.n
        values = np.empty((n, n), np.float32)
        blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]

        def fill(pair: tuple[slice, slice]) -> None:
            one, two = pair
            values[one, two] = similarity.block(one, two)
            values[two, one] = values[one, two].T

        with threads() as pool:
            list(pool.map(fill, combinations_with_replacement(blocks, 2)))
        return cls(values, None, alpha, given)

    @classmethod
    def sparse(cls, graph: Graph, alpha: float, given: Rows) -> SaturatedCoverage:
        """Count linked pairs only."""
        return cls(graph.values, graph, alpha, given)

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S."""
        out = np.empty(len(rows), np.float64)
        if self.graph is None:
            _dense_gains(self.values, rows, self.room, out)
        else:
            _sparse_gains(self.graph.starts, self.graph.rows, self.values, rows, self.room, out)
        return out

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        if self.graph is None:
            self.room -= np.minimum(self.values[row], self.room)
            return
        span = slice(self.graph.starts[row], self.graph.starts[row + 1])
        at = self.graph.rows[span]
        self.room[at] -= np.minimum(self.values[span], self.room[at])

    def value(self) -> float:
        """f of the current S."""
        return self.whole - float(self.room.sum())


@compiled
def _dense_gains(values: Array, rows: Rows, room: Sums, out: Sums) -> None:
    lanes = np.empty(16)
    n = len(room)
    for i in range(len(rows)):
        row = values[rows[i]]
        lanes[:] = 0.0
        for start in range(0, n - 15, 16):
            some, left = row[start : start + 16], room[start : start + 16]
            for j in range(16):
                lanes[j] += min(np.float64(some[j]), left[j])
        total = 0.0
        for j in range(16):
            total += lanes[j]
        for j in range(n - n % 16, n):
            total += min(np.float64(row[j]), room[j])
        out[i] = total


@compiled
def _sparse_gains(starts: Array, links: Array, values: Array, rows: Rows, room: Sums, out: Sums) -> None:
    for i in range(len(rows)):
        total = 0.0
        for at in range(starts[rows[i]], starts[rows[i] + 1]):
            total += min(np.float64(values[at]), room[links[at]])
        out[i] = total
