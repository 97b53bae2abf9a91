"""Greedy on a dense matrix of similarities as DeepCore does it: numpy, one Python step a pick."""

from __future__ import annotations

import numpy as np

BLOCK = 1000  # columns evaluated together


class FacilityLocation:
    """f(S) = Σᵢ max over S of sᵢⱼ."""

    def __init__(self, similarities: np.ndarray) -> None:
        self.similarities = similarities
        self.n = len(similarities)
        self.nearest = np.zeros(self.n, np.float32)

    def gains(self, rows: np.ndarray) -> np.ndarray:
        """What each of `rows` would add."""
        out = np.empty(len(rows), np.float64)
        for start in range(0, len(rows), BLOCK):
            more = self.similarities[:, rows[start : start + BLOCK]] - self.nearest[:, None]
            out[start : start + BLOCK] = np.maximum(more, 0, out=more).sum(0, dtype=np.float64)
        return out

    def add(self, row: int) -> None:
        """Take a row."""
        np.maximum(self.nearest, self.similarities[:, row], out=self.nearest)


class GraphCut:
    """f(S) = a·Σ over all i and j in S of sᵢⱼ − b·Σ over pairs in S; sums over S are made anew."""

    def __init__(self, similarities: np.ndarray, a: float, b: float) -> None:
        self.similarities, self.a, self.b = similarities, a, b
        self.n = len(similarities)
        self.totals = similarities.sum(0, dtype=np.float64)
        self.taken: list[int] = []

    def gains(self, rows: np.ndarray) -> np.ndarray:
        """What each of `rows` would add."""
        pairs = self.similarities[np.ix_(rows, self.taken)].sum(1, dtype=np.float64)
        own = self.similarities[rows, rows]
        return self.a * self.totals[rows] - self.b * (2 * pairs + own)

    def add(self, row: int) -> None:
        """Take a row."""
        self.taken.append(row)


def lazy(function: FacilityLocation | GraphCut, k: int) -> np.ndarray:
    """Lazy greedy: look again at the largest old gain until it stays the largest (Minoux 1978)."""
    bounds = function.gains(np.arange(function.n))
    taken = []
    for _ in range(k):
        while True:
            best = int(bounds.argmax())
            bounds[best] = function.gains(np.array([best]))[0]
            if bounds[best] >= bounds.max():
                break
        taken.append(best)
        function.add(best)
        bounds[best] = -np.inf
    return np.array(taken)
