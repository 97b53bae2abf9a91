"""Balanced clusters: by k-means, none much larger than the others, so that pairs inside them are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.index.clusters import clusters
from prune.index.space import EmbeddingSpace


@dataclass(frozen=True)
class Parts:
    """Which part each sample is in, and how far it is from the centre of that part."""

    owner: npt.NDArray[np.int64]  # (m,), from 0
    squares: npt.NDArray[np.float32]  # (m,), squared distances to the centroid of the part
    split: int  # how many clusters were too large


def parts(space: EmbeddingSpace, rows: Rows, count: int, largest: int, *, seed: int) -> Parts:
    """Cluster these m rows, and cluster again what has more than `largest` members, until nothing has.

    Only samples that all coincide are left together whatever their number. Time as k-means of each cluster
    that is too large, with as many clusters as bring its parts to the mean size m / count.
    """
    if not len(rows):
        return Parts(np.empty(0, np.int64), np.empty(0, np.float32), 0)
    space = space if len(rows) == space.n else space.subset(rows)
    found = clusters(space, count, seed=seed)
    owner, squares = found.owner.astype(np.int64), found.squares.copy()
    mean = -(-space.n // count)
    last, split = len(found.centroids), 0
    waiting = np.flatnonzero(np.bincount(owner) > largest).tolist()
    while waiting:
        part = waiting.pop()
        members = np.flatnonzero(owner == part)
        again = clusters(space.subset(members), -(-len(members) // mean), seed=seed)
        if len(again.centroids) == 1:
            continue
        split += 1
        names = np.concatenate([[part], np.arange(last, last + len(again.centroids) - 1)])
        last += len(again.centroids) - 1
        owner[members], squares[members] = names[again.owner], again.squares
        waiting += names[np.bincount(again.owner) > largest].tolist()
    return Parts(owner, squares, split)
