"""Facility location along the links of a neighbour graph: time and memory linear in the links."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows
from prune.index.graph import Graph
from prune.index.kept_neighbours import Neighbours
from prune.index.similarity import Similarity
from prune.index.space import Sums
from prune.optimizers import facility_links as loops
from prune.optimizers.facility_kernels import SCALE, TAKEN
from prune.optimizers.facility_links import LinkedSimilarities, Links


class SparseFacility:
    """``f(S) = Σᵢ max_{j∈S} sᵢⱼ`` over linked pairs; what is not linked has similarity 0.

    Gains are kept up to date as in `DenseFacility`: a sample's links are walked from the most similar down to
    the one that served it before. All picks together walk each link once or twice.

    Parameters
    ----------
    samples
        Links of each sample to candidates, most similar first, in ``[0, 1]``.
    candidates
        The same links from the other end; the same object if the graph is symmetric.
    given
        Candidates in S from the start.
    """

    def __init__(self, samples: Links, candidates: Links, given: Rows | None = None) -> None:
        self.n = len(candidates.starts) - 1
        best = np.zeros(len(samples.starts) - 1, np.int32)
        self._state = LinkedSimilarities(samples, candidates, best, np.empty(self.n, np.int64))
        self._given = np.empty(0, np.int64) if given is None else np.unique(given)
        for row in self._given:
            self.add(int(row))

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64, computed from the links."""
        out = np.empty(len(rows), np.int64)
        loops.sparse_gains(self._state, np.ascontiguousarray(rows), out)
        return out / SCALE

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
        loops.serve(self._state, row)

    def value(self) -> float:
        """f(S)."""
        return float(self._state.best.sum(dtype=np.int64) / SCALE)

    def climb(self, k: int) -> tuple[Rows, Sums]:
        """(k,) rows that add most, one after the other, ties by lower row, and (k,) what each added."""
        loops.sparse_gains(self._state, np.arange(self.n), self._state.gain)
        self._state.gain[self._given] = TAKEN
        picks, gains = np.empty(k, np.int64), np.empty(k, np.int64)
        loops.climb_links(self._state, picks, gains)
        return picks, gains / SCALE


def facility_of_graph(graph: Graph, given: Rows | None = None) -> SparseFacility:
    """Facility location on a symmetric graph; its arrays are used as they are."""
    links = Links(graph.starts, graph.rows, graph.values)
    return SparseFacility(links, links, given)


def facility_of_neighbours(
    similarity: Similarity, found: Neighbours, candidates: int, given: Rows | None = None
) -> SparseFacility:
    """Facility location where each sample is linked to the candidates nearest to it.

    Parameters
    ----------
    similarity
        Turns distances into similarities.
    found : (n, count)
        The nearest candidates of each sample, positions in ``[0, candidates)``.
    candidates
        How many there are.
    given
        Candidates in S from the start.
    """
    n, count = found.rows.shape
    rows = found.rows.ravel().astype(np.int32)
    values = similarity.of_squared_distances(found.squares.ravel())
    samples = Links(np.arange(0, n * count + 1, count, dtype=np.int64), rows, values)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=candidates))]).astype(np.int64)
    back = Links(starts, np.empty_like(rows), np.empty_like(values))
    loops.turned(samples, back)
    return SparseFacility(samples, back, given)
