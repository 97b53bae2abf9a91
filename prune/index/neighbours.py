"""The nearest neighbours of every sample: exactly while that is affordable, from inverted lists beyond."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from prune.arrays import Rows
from prune.index.exact import all_pairs, each_to_all, in_order
from prune.index.hnsw import from_hnsw
from prune.index.lists import LISTS, PROBES, checked, from_lists
from prune.index.meeting import NOBODY
from prune.index.operands import operands_of
from prune.index.plan import Size, size_of
from prune.index.space import Space

Kind: TypeAlias = Literal["auto", "exact", "ivf", "hnsw"]

AFFORDABLE = {"cpu": 2e12, "cuda": 2e15}  # n²·width: about a minute of two cores, or of a GPU
SPARE_MEMORY = 128 * 2**20  # tiles and blocks


@dataclass(frozen=True)
class Neighbours:
    """The nearest samples of each, nearest first, ties by lower row."""

    rows: Rows  # (n, count)
    squares: npt.NDArray[np.float32]  # (n, count), squared distances
    kind: str  # how they were found: exact, ivf or hnsw
    recall: float  # share of the true nearest that were found; of a sample of rows, unless exact


@dataclass(frozen=True)
class Search:
    """How neighbours will be found."""

    kind: Literal["exact", "ivf", "hnsw"]
    why: str  # the number that decided, as a clause
    bytes: int  # at the peak, beyond the space
    work: float  # floating-point operations


def search_of(size: Size, count: int, kind: Kind = "auto") -> Search:
    """Decide how the neighbours of a space of this size are found: `auto` is exact up to 2e12 products·width.

    Without faiss, `hnsw` becomes `auto`.

    Raises
    ------
    ValueError
        `kind` is unknown.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r} is not one of {', '.join(get_args(Kind))}")
    pairs = float(size.n) ** 2
    limit = AFFORDABLE["cpu" if size.gradients else size.device.split(":")[0]]
    why = f"{size.n}² pairs × {size.width} numbers are {pairs * size.width:.1e}, "
    if kind == "hnsw" and importlib.util.find_spec("faiss") is None:
        kind = "auto"
    if kind == "auto":
        kind = "exact" if pairs * size.width <= limit else "ivf"
        why += f"{'at most' if kind == 'exact' else 'above'} {limit:.0e}"
    else:
        why = f"{kind} was asked for"
    memory = size.n * count * 24 + SPARE_MEMORY
    if kind == "exact":
        return Search("exact", why, memory, pairs * size.width)
    if kind == "ivf":
        lists = LISTS * size.n**0.5
        work = 2.0 * size.n * size.width * (lists + 2 * PROBES[1] * size.n / max(lists, 1))
        return Search("ivf", why, memory + size.n * PROBES[-1] * 12, work)
    return Search("hnsw", why, memory + size.n * (size.width * 4 + 300), size.n * size.width * 2e4)


def nearest(space: Space, count: int, *, seed: int = 0, kind: Kind = "auto") -> Neighbours:
    """Return the `count` nearest other samples of every sample, by the space's metric.

    - ``exact``: all pairs meet, in tiles of products; n²·width operations on the CPU, since a product serves
      both samples
    - ``ivf``: samples meet the members of the lists whose k-means centroids are nearest, more and more lists
      until the recall of 512 samples is 0.995; O(n^1.5·width)
    - ``hnsw``: faiss's navigable graph; needs ``n·(4·width + 256)`` bytes, and faiss
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
    if chosen == "ivf":
        heaps, recall = from_lists(space, count, seed)
    else:
        heaps = from_hnsw(space, count)
        recall = checked(operands_of(space), heaps, seed)
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
