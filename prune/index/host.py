"""Farthest-first on the CPU: BLAS for the products, threads for the triangle inequality."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from prune.arrays import Array, Rows
from prune.index import kernels
from prune.index.farthest import Candidates, Frame
from prune.index.kernels import TAKEN, UNIT, Batch, Points
from prune.index.space import BLOCK, EmbeddingSpace

SAMPLE = 512  # samples that tell which of the two bounds is cheaper
WORTH = 0.06  # pairs left by the triangle inequality; each costs as much as the products of 15 to 20 pairs
FEW = 64  # centres below which the triangle inequality says nothing


class Host:
    """The distances of all samples, in memory."""

    def __init__(self, space: EmbeddingSpace, frame: Frame) -> None:
        self.space, self.frame = space, frame
        self.centres: list[int] = []
        self.nearest = np.full(space.n, np.inf)
        self.owner = np.zeros(space.n, np.int64)
        step = max(1, space.n // SAMPLE)
        self._sample = np.arange(0, space.n, step)[:SAMPLE]

    def take_out(self, rows: Rows) -> None:
        """Mark samples as centres."""
        self.nearest[rows] = TAKEN

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres, by the bound that leaves less to do."""
        norms = self.frame.norms[rows]
        fresh = self.space.take(rows)
        batch = Batch(
            fresh,
            (norms / 2).astype(np.float32),
            float(np.sqrt(norms.max())),
            len(self.centres),
            self.frame.scale**2,
        )
        framed = self.frame.of(fresh)
        self.centres.extend(rows.tolist())  # before: candidates may belong to a new centre already
        if len(self.centres) >= FEW and self._left_by_triangle(batch, framed) < WORTH:
            self._lower_by_triangle(batch, self._gaps(np.array(self.centres), batch, framed))
        else:
            self._lower_by_products(batch, framed)

    def farthest(self, m: int) -> Candidates:
        """Set the m farthest samples aside, ties by lowest row."""
        n = len(self.nearest)
        if m >= n:
            return Candidates(np.arange(n), self.nearest.copy(), self.owner.copy(), (-np.inf, 0))
        edge = np.partition(self.nearest, n - m)[n - m]
        above = np.flatnonzero(self.nearest > edge)
        level = np.flatnonzero(self.nearest == edge)
        rows = np.sort(np.concatenate([above, level[: m - len(above)]]))
        return Candidates(rows, self.nearest[rows], self.owner[rows], self._outside(rows, edge, level))

    def put(self, candidates: Candidates) -> None:
        """Take over the distances of candidates."""
        self.nearest[candidates.rows] = candidates.nearest
        self.owner[candidates.rows] = candidates.owner

    def products(self, candidates: Array) -> Array:
        """(m, m) float32 inner products of candidates in the frame."""
        return candidates @ candidates.T

    def rest(self, count: int) -> Rows:
        """Return the lowest `count` rows that coincide with a centre."""
        return np.flatnonzero(self.nearest != TAKEN)[:count]

    def _outside(self, rows: Rows, edge: float, level: Rows) -> tuple[float, int]:
        left = level[np.searchsorted(level, rows[np.isin(rows, level, assume_unique=True)][-1]) + 1 :]
        if len(left):
            return edge, int(np.searchsorted(rows, left[0]))
        return float(self.nearest[self.nearest < edge].max(initial=-np.inf)), 0

    def _points(self, span: slice, block: Array) -> Points:
        return Points(block, self.frame.norms[span], self.nearest[span], self.owner[span])

    def _lower_by_products(self, batch: Batch, framed: Array) -> None:
        s = len(framed)
        buffer = np.empty(BLOCK * s, np.float32)
        for span, block in self.space.blocks():
            products = buffer[: len(block) * s].reshape(-1, s)
            np.matmul(self.frame.of(block), framed.T, out=products)
            kernels.lower_by_products(self._points(span, block), batch, products)

    def _lower_by_triangle(self, batch: Batch, gaps: Array) -> None:
        def lower(start: int) -> None:
            span = slice(start, min(start + BLOCK, self.space.n))
            points = self._points(span, self.space.block(span.start, span.stop))
            kernels.lower_by_triangle(points, batch, gaps)

        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            list(pool.map(lower, range(0, self.space.n, BLOCK)))

    def _left_by_triangle(self, batch: Batch, framed: Array) -> float:
        owners, at = np.unique(self.owner[self._sample], return_inverse=True)
        gaps = self._gaps(np.array(self.centres)[owners], batch, framed)
        limits = 4.0 * batch.scale * self.nearest[self._sample]
        return float((gaps[at] < limits[:, None]).mean())

    def _gaps(self, old: Rows, batch: Batch, framed: Array) -> Array:
        """Lower bounds of the squared distances of old to new centres, (old, s) float32, in the frame."""
        gaps = np.empty((len(old), len(framed)), np.float32)
        for start in range(0, len(old), BLOCK):
            part = gaps[start : start + BLOCK]
            rows = old[start : start + BLOCK]
            norms = self.frame.norms[rows]
            np.matmul(self.frame.of(self.space.take(rows)), framed.T, out=part)
            reach = np.sqrt(norms) + batch.reach
            doubt = 2.0 * ((framed.shape[1] + 8) * 1.01 + 16) * UNIT * reach**2 + kernels.TINY
            part *= -2
            part += 2 * batch.halves
            part += (norms - doubt).astype(np.float32)[:, None]
        return gaps
