"""Neighbours by faiss's inverted lists, decided in float64: what would take the place of `prune.index.ivf`.

The centroids, and which lists a sample asks, are prune's; faiss walks the lists. A few more candidates are
asked for than are wanted, float64 decides among them, and whoever was left out is farther than all of them by
more than rounding can do, or the sample asks again for more. So the result does not depend on threads or
kernels, as prune's does not.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from prune.index import topk
from prune.index.blocks import Vectors, operands_of
from prune.index.exact import in_order
from prune.index.flat import SPARE, _doubt
from prune.index.ivf import RECALL, _probes, _sample
from prune.index.kmeans import trained
from prune.index.search import LISTS
from prune.index.space import BLOCK, EmbeddingSpace
from prune.index.topk import Heaps, heaps_of

PROBES = (2, 3, 4, 6, 8, 11, 16, 19, 23, 32, 45, 64)  # finer than prune's: one search is made, with the last
LOOK = 1024  # samples that look for candidates together


class FaissLists:
    """The samples of a space in faiss's inverted lists."""

    def __init__(self, space: EmbeddingSpace, count: int) -> None:
        self.count = count
        operands = operands_of(space)
        assert isinstance(operands, Vectors)
        self.operands = operands
        lists = round(LISTS * space.n**0.5)
        centroids = trained(space, lists, seed=0, iterations=5, sample=48, careful=False)
        self.probes = _probes(space, centroids, slice(0, PROBES[-1])).astype(np.int64)
        self.reach = float(np.sqrt(operands.norms.max()))
        self.index: Any = faiss.IndexIVFFlat(faiss.IndexFlatL2(space.d), space.d, len(centroids))
        self.index.quantizer.add(centroids)
        self.index.is_trained = True
        for start in range(0, space.n, BLOCK):
            rows = np.arange(start, min(start + BLOCK, space.n))
            block = np.ascontiguousarray(operands.load(rows).framed)
            lists_of = np.ascontiguousarray(self.probes[rows, 0])
            self.index.add_core(len(rows), *map(faiss.swig_ptr, (block, rows, lists_of)))

    def rows(self) -> np.ndarray:
        """(n, count) neighbours of all samples, nearest first, ties by lower row."""
        self._ask_until_found()
        heaps = heaps_of(self.operands.n, self.count)
        for start in range(0, self.operands.n, LOOK):
            names = np.arange(start, min(start + LOOK, self.operands.n))
            spare = SPARE
            while len(names):
                names, spare = names[~self._decided(names, spare, heaps)], 4 * spare
        return in_order(heaps)[0]

    def _ask_until_found(self) -> None:
        """Set how many lists a sample asks to the fewest that have the recall."""
        sample, edges = _sample(self.operands, self.count, seed=0)
        for probes in PROBES:
            self.index.nprobe = min(probes, self.probes.shape[1])
            heaps = heaps_of(self.operands.n, self.count)
            self._decided(sample, SPARE, heaps)
            if (heaps.gaps[sample] <= edges[:, None]).mean() >= RECALL:
                return

    def _decided(self, names: np.ndarray, spare: int, heaps: Heaps) -> np.ndarray:
        """Offer candidates to some samples; say of each whether nobody else in its lists can be nearer."""
        block = self.operands.load(names)
        probes = np.ascontiguousarray(self.probes[names, : self.index.nprobe])
        asked = min(self.count + 1 + spare, self.operands.n)
        framed = np.ascontiguousarray(block.framed)
        squares, who = self.index.search_preassigned(
            framed, asked, probes, np.zeros(probes.shape, np.float32)
        )
        doubt = _doubt(np.sqrt(block.side.norms) + self.reach, framed.shape[1])
        who[squares > (squares[:, self.count] + 2 * doubt)[:, None]] = -1
        named = np.unique(who[who >= 0])
        places = np.where(who < 0, -1, np.searchsorted(named, who))
        heaps.gaps[names], heaps.who[names] = np.inf, topk.NOBODY
        topk.meet_named(heaps, block.side, self.operands.load(named).side, places, False)
        edges = heaps.gaps[names, 0] * self.operands.scale**2
        return (who[:, -1] == -1) & (squares[:, -1] > 3e38) | (edges < squares[:, -1] - doubt)
