"""The nearest neighbours of every sample: exactly while that is affordable, from inverted lists beyond."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prune.core.arrays import Rows
from prune.index.blocks import Operands, operands_of
from prune.index.exact import all_pairs, each_to_all, in_order, stripes
from prune.index.ivf import from_lists
from prune.index.kept_neighbours import Neighbours
from prune.index.resource_plan import size_of
from prune.index.search import Kind, search_of
from prune.index.space import EmbeddingSpace, Space
from prune.index.topk import NOBODY, Heaps, heaps_of


@dataclass(frozen=True)
class SpaceSearch:
    """A search for the nearest other samples of all samples of a space: see `NeighbourSearch`."""

    space: Space
    count: int
    kind: Literal["exact", "ivf"]
    seed: int

    @property
    def size(self) -> tuple[int, int]:
        """Samples, and numbers of each."""
        return self.space.n, self.space.width

    @property
    def place(self) -> tuple[str, str]:
        """The metric, and the device."""
        return self.space.metric, self.space.device

    @functools.cached_property
    def _operands(self) -> Operands:
        return operands_of(self.space)

    def whole(self) -> Neighbours:
        """Find the neighbours of all samples."""
        if self.kind == "exact":
            return Neighbours(*in_order(all_pairs(self._operands, self.count)), "exact", 1.0)
        heaps, recall = from_lists(self.space, self.count, self.seed)
        short = np.flatnonzero((heaps.who == NOBODY).any(axis=1))
        if len(short):  # lists so small that some have met fewer than they need
            heaps.gaps[short], heaps.who[short] = self._met(short)
        return Neighbours(*in_order(heaps), self.kind, recall)

    def parts(self, rows: int) -> Iterator[Neighbours]:
        """Find those of so many rows after so many, exactly: the whole in the time of `whole`."""
        n, ready = self.space.n, 0
        spans = [(start, min(start + rows, n)) for start in range(0, n, rows)]
        if self.space.device != "cpu":
            yield from (self.part(start, stop) for start, stop in spans)
            return
        heaps = heaps_of(n, self.count)
        done = stripes(self._operands, heaps)
        for start, stop in spans:
            while ready < stop:
                ready = next(done).stop
            final = Heaps(heaps.gaps[start:stop], heaps.who[start:stop])
            yield Neighbours(*in_order(final), "exact", 1.0)

    def part(self, start: int, stop: int) -> Neighbours:
        """Find those of the rows ``start ≤ row < stop``, exactly."""
        return Neighbours(*in_order(self._met(np.arange(start, stop))), "exact", 1.0)

    def _met(self, rows: Rows) -> Heaps:
        return each_to_all(self._operands, self._operands, self.count, rows)


def nearest(space: Space, count: int, *, seed: int = 0, kind: Kind = "auto") -> Neighbours:
    """Return the `count` nearest other samples of every sample, by the space's metric.

    - ``exact``: all pairs meet, in tiles of products; n²·width operations on the CPU, since a product serves
      both samples
    - ``ivf``: samples meet the members of the lists whose k-means centroids are nearest, more and more lists
      until the recall of 512 samples is 0.995; O(n^1.5·width)
    - ``auto``: ``exact`` where n²·width is at most 2e12 (2e15 on CUDA), else ``ivf``

    Products are float32, distances float64 sums of squared differences (for gradients, of products of their
    factors), so all kinds tell the same distance for the same pair, and `exact` is exact. Gradients get their
    lists from a sketch, and meet by exact products. A space with a keeper asks that first. Memory: 24 bytes
    for each of n·count neighbours.

    Parameters
    ----------
    space
        n samples.
    count
        At least 1; cut to n − 1.
    seed
        Of the lists and of the rows that recall is measured on.

    Returns
    -------
    Nearest first, ties by lower row. The same bytes for the same seed and any number of threads.

    Raises
    ------
    ValueError
        `count` is less than 1, or `kind` is unknown.
    """
    if count < 1:
        raise ValueError(f"cannot find {count} neighbours")
    count = min(count, space.n - 1)
    chosen = search_of(size_of(space), count, kind).kind
    if count == 0:
        return Neighbours(np.empty((space.n, 0), np.int64), np.empty((space.n, 0), np.float32), "exact", 1.0)
    search = SpaceSearch(space, count, chosen, seed)
    keeper = space.keeper if isinstance(space, EmbeddingSpace) else None
    return search.whole() if keeper is None else keeper.neighbours(search)


def nearest_to(space: Space, others: Space, count: int) -> Neighbours:
    """Return the `count` nearest of every sample among the samples of another space, exactly.

    Time O(n·m·width) for m others, memory 24 bytes for each of n·count neighbours.

    Parameters
    ----------
    space, others
        Of one kind, width and metric.
    count
        At least 1; cut to the number of others.

    Raises
    ------
    ValueError
        `count` is less than 1, or the spaces do not go together.
    """
    if count < 1:
        raise ValueError(f"cannot find {count} neighbours")
    if (space.width, space.metric) != (others.width, others.metric):
        raise ValueError(
            f"samples of width {space.width} ({space.metric}) have no distance to those of width "
            f"{others.width} ({others.metric})"
        )
    base = operands_of(others)
    heaps = each_to_all(base.framed_like(space), base, min(count, others.n))
    return Neighbours(*in_order(heaps), "exact", 1.0)
