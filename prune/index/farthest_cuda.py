"""Farthest-first on a CUDA device: the same steps and the same float64 sums as on the CPU, in torch."""

from __future__ import annotations

import numpy as np
import torch

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operand
from prune.index.exact_sums import CHUNK, LANES
from prune.index.farthest_candidates import FarthestCandidates
from prune.index.farthest_kernels import TAKEN
from prune.index.product_bounds import TINY, UNIT
from prune.index.product_frame import Frame
from prune.index.space import BLOCK, EmbeddingSpace

PAIRS = 1 << 15  # pairs whose differences are formed at once: 64 MB at CHUNK float64 numbers each, twice
TF32 = 2.0**-9  # rounding of products if the program that calls us has allowed TF32


class DeviceVectors:
    """The distances of all samples, on the device beside the embeddings in the type they came in."""

    def __init__(self, space: EmbeddingSpace, frame: Frame, device: str | None = None) -> None:
        self.centres: list[int] = []
        self.scale = frame.scale
        self._device = torch.device(device or space.device)
        self._embeddings = self.send(space.embeddings)
        self._reciprocals = None if space.reciprocals is None else self.send(space.reciprocals)
        self._shift = None if frame.shift is None else self.send(frame.shift)
        self.norms = self.send(frame.norms)
        self._nearest = torch.full((space.n,), torch.inf, dtype=torch.float64, device=self._device)
        exact = torch.get_float32_matmul_precision() == "highest"
        d = space.d + 8
        self._rounding = d * UNIT / (1 - d * UNIT) + (0.0 if exact else TF32)

    def take_out(self, rows: Rows) -> None:
        """Mark samples as centres."""
        self._nearest[self.send(rows)] = TAKEN

    def lower(self, rows: Rows) -> None:
        """Let all samples meet new centres."""
        self.centres.extend(rows.tolist())
        at = self.send(rows)
        fresh = self.rows(at)
        framed, norms = self.framed(fresh), self.norms[at]
        halves = (norms / 2).float()
        reach = norms.max().sqrt()
        for start in range(0, len(self._nearest), BLOCK * 4):
            span = slice(start, start + BLOCK * 4)
            self._lower_block(span, fresh, halves - self.framed(self.rows(span)) @ framed.T, reach)

    def farthest(self, m: int) -> FarthestCandidates:
        """Set the m farthest samples aside, ties by lowest row."""
        n = len(self._nearest)
        if m >= n:
            everyone = np.arange(n)
            return FarthestCandidates(
                everyone, self._fetch(self._nearest), np.zeros(n, np.int64), (-np.inf, 0)
            )
        edge = self._nearest.topk(m).values[-1]
        above = (self._nearest > edge).nonzero().squeeze(1)
        level = (self._nearest == edge).nonzero().squeeze(1)
        inside, left = level[: m - len(above)], level[m - len(above) :]
        rows = torch.cat([above, inside]).sort().values
        if len(left):
            outside = (float(edge), int(torch.searchsorted(rows, left[0])))
        else:
            below = self._nearest.masked_fill(self._nearest >= edge, -torch.inf)
            outside = (float(below.max()), 0)
        return FarthestCandidates(
            self._fetch(rows), self._fetch(self._nearest[rows]), np.zeros(len(rows), np.int64), outside
        )

    def put(self, candidates: FarthestCandidates) -> None:
        """Take over the distances of candidates."""
        self._nearest[self.send(candidates.rows)] = self.send(candidates.nearest)

    def products(self, candidates: Operand) -> Array:
        """(m, m) float32 inner products of candidates, on the CPU, where they are grown."""
        return np.matmul(candidates.framed, candidates.framed.T)

    def rest(self, count: int) -> Rows:
        """Return the lowest `count` rows that coincide with a centre."""
        return self._fetch((self._nearest != TAKEN).nonzero().squeeze(1)[:count])

    def _lower_block(
        self, span: slice, fresh: torch.Tensor, products: torch.Tensor, reach: torch.Tensor
    ) -> None:
        norms, nearest = self.norms[span], self._nearest[span]
        lengths = norms.sqrt()
        error = self.error(lengths, reach)
        for last in (False, True):  # first against the centre that looks nearest, then the few that are left
            limits = (nearest * self.scale**2 - norms) / 2 + error
            if last:
                i, j = ((products < limits[:, None]) & (nearest > 0)[:, None]).nonzero(as_tuple=True)
            else:
                value, best = products.min(dim=1)
                i = ((value < limits) & (nearest > 0)).nonzero().squeeze(1)
                j = best[i]
            for start in range(0, len(i), PAIRS):
                at = i[start : start + PAIRS]
                new = squared(self.rows(at + span.start), fresh[j[start : start + PAIRS]])
                nearest.scatter_reduce_(0, at, new, "amin")

    def error(self, lengths: torch.Tensor, reach: torch.Tensor) -> torch.Tensor:
        """Return how far half a squared norm less a product can be from the truth; see `kernels.slack`."""
        return self._rounding * lengths * reach + 8 * UNIT * (lengths + reach) ** 2 + TINY

    def rows(self, which: slice | torch.Tensor) -> torch.Tensor:
        """Samples in float32, under the metric."""
        rows = self._embeddings[which].float()
        return rows if self._reciprocals is None else rows * self._reciprocals[which, None]

    def framed(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows in the frame of the products."""
        moved = rows if self.scale == 1.0 else rows * self.scale
        return moved if self._shift is None else moved - self._shift

    def send(self, array: Array) -> torch.Tensor:
        """Copy an array to the device."""
        return torch.tensor(array, device=self._device)

    def _fetch(self, tensor: torch.Tensor) -> Array:
        return tensor.cpu().numpy().copy()


def squared(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """‖one − two‖² of pairs in float64, added in the order of `kernels.squared`."""
    total = torch.zeros(len(one), dtype=torch.float64, device=one.device)
    for start in range(0, one.shape[1], CHUNK):
        gaps = one[:, start : start + CHUNK].double() - two[:, start : start + CHUNK].double()
        gaps *= gaps
        whole = gaps.shape[1] // LANES * LANES
        sums = torch.zeros(len(one), LANES, dtype=torch.float64, device=one.device)
        for lane in range(0, whole, LANES):
            sums += gaps[:, lane : lane + LANES]
        while sums.shape[1] > 1:
            sums = sums[:, : sums.shape[1] // 2] + sums[:, sums.shape[1] // 2 :]
        total += sums[:, 0]
        for j in range(whole, gaps.shape[1]):
            total += gaps[:, j]
    return total
