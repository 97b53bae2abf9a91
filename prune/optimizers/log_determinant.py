"""Log-determinants: what is left of each sample's variance once the chosen are known, and its logarithm."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.similarity import Similarity
from prune.index.space import BLOCK, EmbeddingSpace, Sums

RECENT = 256  # picks that a sample may have missed to be brought up to date by them alone
DIGITS = 10  # decimals of a gain that count, so that duplicates are equal however they were computed


class ProductVolume:
    """``f(S) = log det(s_S + εI)`` for ``s = (1 + cos) / 2``, which is a product of d + 1 numbers a sample.

    With ``φ = [1, x] / √2`` and ``M = (I + Σ_{i∈S} φᵢφᵢᵀ / ε)⁻¹`` the variance of j given S is
    ``φⱼᵀ M φⱼ + ε``. Each pick takes a square of rank one off M, which is never larger than (d + 1)².

    Parameters
    ----------
    space
        n vectors, under cosine.
    ridge
        ε, above 0.
    given
        Rows in S from the start.
    """

    def __init__(self, space: EmbeddingSpace, ridge: float, given: Rows) -> None:
        assert space.metric == "cosine"
        self.space, self.n, self.ridge = space, space.n, ridge
        p = space.d + 1
        self.inverse = np.eye(p)
        self.recent = np.zeros((RECENT, p))  # u of the last picks, in turn: M lost uuᵀ
        self.count = 0
        self.variance = np.full(space.n, 1 + ridge)
        self.noise = ridge + (1 - space.squared_norms()) / 2  # no direction: a variance of its own
        self.known_at = np.zeros(space.n, np.int64)  # how many picks the variance knows of
        for row in given.tolist():
            self.add(row)

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S."""
        missed = self.count - self.known_at[rows]
        self._renew(rows[missed > RECENT])
        self._catch_up(rows[(missed > 0) & (missed <= RECENT)])
        return _log(self.variance[rows], self.ridge)

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        point = self._points(np.array([row]))[0]
        moved = self.inverse @ point
        moved /= np.sqrt(max(float(point @ moved) + self.noise[row], self.ridge))
        self.inverse -= np.outer(moved, moved)
        self.recent[self.count % RECENT] = moved
        self.count += 1

    def _renew(self, rows: Rows) -> None:
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            points = self._points(some)
            self.variance[some] = np.einsum("nd,nd->n", points @ self.inverse, points) + self.noise[some]
        self.known_at[rows] = self.count

    def _catch_up(self, rows: Rows) -> None:
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            steps = np.arange(self.known_at[some].min(), self.count)
            lost = (self._points(some) @ self.recent[steps % RECENT].T) ** 2
            lost[steps < self.known_at[some][:, None]] = 0
            self.variance[some] -= lost.sum(1)
        self.known_at[rows] = self.count

    def _points(self, rows: Rows) -> Sums:
        points = np.full((len(rows), self.space.d + 1), np.sqrt(0.5))
        points[:, 1:] *= self.space.wide(rows)
        return points


class PairVolume:
    """``f(S) = log det(s_S + εI)`` for any similarity that is a kernel, from pairs with the chosen.

    ``L⁻¹`` of the Cholesky factor L of ``s_S + εI`` is kept, a row for each pick: the variance of j given S
    is ``1 + ε − ‖L⁻¹ s_Sj‖²``, of which a sample that was looked at before needs the new rows only.

    Parameters
    ----------
    similarity
        Of n samples; float32.
    ridge
        ε, above 0.
    k
        Samples that will be added.
    given
        Rows in S from the start.
    """

    def __init__(self, similarity: Similarity, ridge: float, k: int, given: Rows) -> None:
        self.similarity, self.n, self.ridge = similarity, similarity.n, ridge
        most = k + len(given)
        self.inverse = np.zeros((most, most))  # pages that are not written to take no memory
        self.chosen = np.empty(most, np.int64)
        self.count = 0
        self.variance = np.full(similarity.n, 1 + ridge)
        self.known_at = np.zeros(similarity.n, np.int64)
        for row in given.tolist():
            self.add(row)

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 for the current S."""
        behind = rows[self.known_at[rows] < self.count]
        step = max(1, 2**22 // max(self.count, 1))
        for start in range(0, len(behind), step):
            some = behind[start : start + step]
            since = self.known_at[some]
            first = int(since.min())
            lost: Sums = self._coordinates(some, first) ** 2
            lost[np.arange(first, self.count)[:, None] < since] = 0
            self.variance[some] -= lost.sum(0)
        self.known_at[behind] = self.count
        return _log(self.variance[rows], self.ridge)

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        t = self.count
        along = self._coordinates(np.array([row]), 0)[:, 0]
        root = np.sqrt(max(1 + self.ridge - float(along @ along), self.ridge))
        self.inverse[t, :t] = (along @ self.inverse[:t, :t]) / -root
        self.inverse[t, t] = 1 / root
        self.chosen[t] = row
        self.count += 1

    def _coordinates(self, rows: Rows, first: int) -> Sums:
        """(count − first, len(rows)) ``L⁻¹ s_Sj``, from row `first` on."""
        t = self.count
        pairs = self.similarity.wide(self.chosen[:t], rows)
        product: Sums = self.inverse[first:t, :t] @ pairs
        return product


def _log(variance: Array, ridge: float) -> Sums:
    logs = np.log(np.maximum(variance, ridge))
    return np.asarray(np.round(logs, DIGITS), np.float64)
