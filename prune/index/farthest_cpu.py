"""Farthest-first on the CPU: BLAS for the products, threads for the triangle inequality."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index import farthest_kernels
from prune.index.blocks import Operand, Operands, batch_of, points_of
from prune.index.farthest_candidates import FarthestCandidates
from prune.index.farthest_kernels import TAKEN, Batch, FarthestPoints
from prune.index.product_bounds import TINY, UNIT
from prune.index.space import BLOCK
from prune.system.executors.threads import threads

SAMPLE = 512  # samples that tell which of the two bounds is cheaper
WORTH = 0.06  # pairs left by the triangle inequality; each costs as much as the products of 15 to 20 pairs
FEW = 64  # centres below which the triangle inequality says nothing


class Host:
    """The distances of all samples, in memory."""

    def __init__(self, operands: Operands) -> None:
        self.operands = operands
        self.centres: list[int] = []
        self.nearest = np.full(operands.n, np.inf)
        self.owner = np.zeros(operands.n, np.int64)
        step = max(1, operands.n // SAMPLE)
        self._sample = np.arange(0, operands.n, step)[:SAMPLE]

    def take_out(self, rows: Rows) -> None:
        """Mark samples as centres."""
        self.nearest[rows] = TAKEN

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres, by the bound that leaves less to do."""
        fresh = self.operands.load(rows)
        batch = batch_of(self.operands, fresh, len(self.centres))
        self.centres.extend(rows.tolist())  # before: candidates may belong to a new centre already
        if len(self.centres) >= FEW and self._left_by_triangle(batch, fresh) < WORTH:
            self._lower_by_triangle(batch, self._gaps(np.array(self.centres), batch, fresh))
        else:
            self._lower_by_products(batch, fresh)

    def farthest(self, m: int) -> FarthestCandidates:
        """Set the m farthest samples aside, ties by lowest row."""
        n = len(self.nearest)
        if m >= n:
            return FarthestCandidates(np.arange(n), self.nearest.copy(), self.owner.copy(), (-np.inf, 0))
        edge = np.partition(self.nearest, n - m)[n - m]
        above = np.flatnonzero(self.nearest > edge)
        level = np.flatnonzero(self.nearest == edge)
        rows = np.sort(np.concatenate([above, level[: m - len(above)]]))
        return FarthestCandidates(
            rows, self.nearest[rows], self.owner[rows], self._outside(rows, edge, level)
        )

    def put(self, candidates: FarthestCandidates) -> None:
        """Take over the distances of candidates."""
        self.nearest[candidates.rows] = candidates.nearest
        self.owner[candidates.rows] = candidates.owner

    def products(self, candidates: Operand) -> Array:
        """(m, m) float32 inner products of candidates in the frame."""
        m = len(candidates.framed)
        return self.operands.products(candidates, candidates, np.empty((m, m), np.float32))

    def rest(self, count: int) -> Rows:
        """Return the lowest `count` rows that coincide with a centre."""
        return np.flatnonzero(self.nearest != TAKEN)[:count]

    def _outside(self, rows: Rows, edge: float, level: Rows) -> tuple[float, int]:
        left = level[np.searchsorted(level, rows[np.isin(rows, level, assume_unique=True)][-1]) + 1 :]
        if len(left):
            return edge, int(np.searchsorted(rows, left[0]))
        return float(self.nearest[self.nearest < edge].max(initial=-np.inf)), 0

    def _points(self, span: slice, block: Operand) -> FarthestPoints:
        return points_of(block, self.nearest[span], self.owner[span])

    def _lower_by_products(self, batch: Batch, fresh: Operand) -> None:
        buffer = np.empty(BLOCK * len(fresh.framed), np.float32)
        for start in range(0, self.operands.n, BLOCK):
            span = slice(start, min(start + BLOCK, self.operands.n))
            block = self.operands.load(span)
            products = self.operands.products(block, fresh, buffer)
            farthest_kernels.lower_by_products(self._points(span, block), batch, products)

    def _lower_by_triangle(self, batch: Batch, gaps: Array) -> None:
        def lower(start: int) -> None:
            span = slice(start, min(start + BLOCK, self.operands.n))
            farthest_kernels.lower_by_triangle(self._points(span, self.operands.load(span)), batch, gaps)

        with threads() as pool:
            list(pool.map(lower, range(0, self.operands.n, BLOCK)))

    def _left_by_triangle(self, batch: Batch, fresh: Operand) -> float:
        owners, at = np.unique(self.owner[self._sample], return_inverse=True)
        gaps = self._gaps(np.array(self.centres)[owners], batch, fresh)
        limits = 4.0 * batch.scale * self.nearest[self._sample]
        return float((gaps[at] < limits[:, None]).mean())

    def _gaps(self, old: Rows, batch: Batch, fresh: Operand) -> Array:
        """Lower bounds of the squared distances of old to new centres, (old, s) float32, in the frame."""
        gaps = np.empty((len(old), len(fresh.framed)), np.float32)
        for start in range(0, len(old), BLOCK):
            block = self.operands.load(old[start : start + BLOCK])
            part = self.operands.products(block, fresh, gaps[start : start + BLOCK])
            norms = block.side.norms
            reach = np.sqrt(norms) + batch.reach
            doubt = 2.0 * ((batch.terms + 8) * 1.01 + 16) * UNIT * reach**2 + TINY
            part *= -2
            part += 2 * batch.halves
            part += (norms - doubt).astype(np.float32)[:, None]
        return gaps
