"""The nearest neighbours of every sample: exactly while that is affordable, from inverted lists beyond."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.index.blocks import operands_of
from prune.index.exact import all_pairs, each_to_all, in_order
from prune.index.ivf import from_lists
from prune.index.resource_plan import size_of
from prune.index.search import Kind, search_of
from prune.index.space import Space
from prune.index.topk import NOBODY


@dataclass(frozen=True)
class Neighbours:
    """The nearest samples of each, nearest first, ties by lower row."""

    rows: Rows  # (n, count)
    squares: npt.NDArray[np.float32]  # (n, count), squared distances
    kind: str  # how they were found: exact or ivf
    recall: float  # share of the true nearest that were found; of a sample of rows, unless exact


def nearest(space: Space, count: int, *, seed: int = 0, kind: Kind = "auto") -> Neighbours:
    """Return the `count` nearest other samples of every sample, by the space's metric.

    - ``exact``: all pairs meet, in tiles of products; n²·width operations on the CPU, since a product serves
      both samples
    - ``ivf``: samples meet the members of the lists whose k-means centroids are nearest, more and more lists
      until the recall of 512 samples is 0.995; O(n^1.5·width)
    - ``auto``: ``exact`` where n²·width is at most 2e12 (2e15 on CUDA), else ``ivf``

    Products are float32, distances float64 sums of squared differences (for gradients, of products of their
    factors), so all kinds tell the same distance for the same pair, and `exact` is exact. Gradients get their
    lists from a sketch, and meet by exact products. Memory: 24 bytes for each of n·count neighbours.

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
    if chosen == "exact":
        return Neighbours(*in_order(all_pairs(operands_of(space), count)), "exact", 1.0)
    heaps, recall = from_lists(space, count, seed)
    short = np.flatnonzero((heaps.who == NOBODY).any(axis=1))
    if len(short):  # lists so small that some have met fewer than they need
        operands = operands_of(space)
        heaps.gaps[short], heaps.who[short] = each_to_all(operands, operands, count, short)
    return Neighbours(*in_order(heaps), chosen, recall)


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
