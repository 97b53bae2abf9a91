"""Facility location on all similarities, held in memory: a few readings of them, however many are chosen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.similarity import Similarity
from prune.index.space import Sums
from prune.optimizers import facility_kernels as kernels
from prune.optimizers.facility_kernels import CHUNK, SCALE, TAKEN, AllSimilarities
from prune.system.executors.threads import threads

BLOCK = 1024  # samples on each side of a block of similarities


class DenseFacility:
    """``f(S) = Σᵢ max_{j∈S} sᵢⱼ``, s rounded to multiples of 2⁻²⁷ of its range; 0 of no samples.

    Gains are kept up to date by what a pick changes: sample i, served by o so far and by w from now on, adds
    ``min(sᵢⱼ, w) − o`` less to the gain of every j that is more like it than o. Its nearest chosen sample
    changes only about ln k times, so that k picks read the n × n similarities six or seven times, whatever k
    is. Memory 4·n² bytes.

    Parameters
    ----------
    similarity
        Of the n samples; each pair is computed once.
    given
        Samples in S from the start.
    """

    def __init__(self, similarity: Similarity, given: Rows | None = None) -> None:
        self.n = similarity.n
        self._floor, self._begun = similarity.floor(), False
        similar = np.empty((self.n, self.n), np.int32)
        blocks = [slice(start, min(start + BLOCK, self.n)) for start in range(0, self.n, BLOCK)]

        def fill(pair: tuple[slice, slice]) -> None:
            one, two = pair
            values = similarity.wide(one, two)
            values -= self._floor
            values /= 1 - self._floor
            kernels.fill(np.maximum(values, 0, out=values), similar[one, two], similar[two, one])

        with threads() as pool:
            list(pool.map(fill, combinations_with_replacement(blocks, 2)))
        self._state = AllSimilarities(similar, np.zeros(self.n, np.int32), np.zeros(self.n, np.int64))
        self._given = np.empty(0, np.int64) if given is None else np.unique(given)
        for row in self._given:
            self.add(int(row))

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64, computed from the similarities."""
        out = np.empty(len(rows), np.int64)
        kernels.dense_gains(self._state.similar, self._state.best, np.ascontiguousarray(rows), out)
        return self._real(out, 0 if self._begun else self.n)

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        self._begun = True
        np.maximum(self._state.best, self._state.similar[row], out=self._state.best)

    def value(self) -> float:
        """f(S)."""
        return float(self._real(self._state.best.sum(dtype=np.int64), self.n if self._begun else 0))

    def climb(self, k: int) -> tuple[Rows, Sums]:
        """(k,) rows that add most, one after the other, ties by lower row, and (k,) what each added."""
        state, n = self._state, self.n
        blocks = [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]
        picks, gains = np.empty(k, np.int64), np.empty(k, np.int64)
        which, rise = np.empty(n + 3, np.int64), np.empty((2, n + 3), np.int32)
        with threads() as pool:

            def evaluate(span: slice) -> None:
                rows = np.arange(span.start, span.stop)
                kernels.dense_gains(state.similar, state.best, rows, state.gain[span])

            list(pool.map(evaluate, blocks))
            state.gain[self._given] = TAKEN
            done = 0
            while done < k:
                count, raises = kernels.climb(state, picks[done:], gains[done:], which, rise)
                done += count
                if raises and done < k:
                    self._lower(pool, blocks, which[:raises], rise[:, :raises])
        added = self._real(gains, 0)
        added[0] = self._real(gains[:1], 0 if self._begun else self.n)[0]
        self._begun = True
        return picks, added

    def _real(self, whole: Array, floors: int) -> Sums:
        """Whole numbers as sums of similarities, of which so many are counted from the floor."""
        found: Sums = whole / SCALE * (1 - self._floor) + floors * self._floor
        return found

    def _lower(self, pool: ThreadPoolExecutor, blocks: list[slice], which: Array, rise: Array) -> None:
        def lower(span: slice) -> None:
            kernels.lower(self._state, which, rise, span.start, span.stop)

        list(pool.map(lower, blocks))
