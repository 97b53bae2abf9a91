"""The similarity graph: each sample joined to its nearest, both ways, in compressed rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Rows
from prune.index.neighbours import nearest
from prune.index.search import Kind
from prune.index.similarity import Similarity
from prune.system.compilation import compiled
from prune.system.executors.threads import spread

HIGHEST = 0x7FFFFFFF  # above the bits of any float32, so that a high similarity makes a low key
ONE = 0x3F800000  # the bits of 1


@dataclass(frozen=True)
class Graph:
    """Symmetric compressed rows; each holds itself with 1; highest value first, ties by lower row."""

    starts: npt.NDArray[np.int64]  # (n + 1,)
    rows: npt.NDArray[np.int32]  # (nnz,)
    values: npt.NDArray[np.float32]  # (nnz,), in [0, 1]
    recall: float  # of the neighbours that the graph is made of
    kind: str  # how they were found


def similarity_graph(similarity: Similarity, count: int, *, seed: int = 0, kind: Kind = "auto") -> Graph:
    """Join every sample with its `count` nearest, in both directions, and with itself.

    Time that of `nearest`, and O(n·count·log count); memory 24 bytes an edge, of which there are at most
    ``n·(2·count + 1)``. The same bytes for any number of threads.

    Parameters
    ----------
    similarity
        Of n samples; the nearest are those of least distance in ``similarity.space``.
    count
        At least 1; at most n − 1 are used.
    seed, kind
        As for `nearest`.
    """
    n = similarity.n
    found = nearest(similarity.space, count, seed=seed, kind=kind)
    values = similarity.of_squared_distances(found.squares) + np.float32(0)  # no −0
    _without_direction(similarity, found.rows, values)
    degrees = np.ones(n, np.int64)
    _count(found.rows, degrees)
    starts = np.concatenate([[0], np.cumsum(degrees)])
    keys = np.empty(starts[-1], np.int64)
    _fill(found.rows, values.view(np.int32), starts[:-1].copy(), keys)
    recall, how = found.recall, found.kind
    del found, values  # all of them are in the keys
    rows, sorted_values = np.empty(len(keys), np.int32), np.empty(len(keys), np.float32)
    spread(n, lambda span: _sort(span, starts, keys, rows, sorted_values.view(np.int32)))
    return Graph(starts, rows, sorted_values, recall, how)


def _without_direction(similarity: Similarity, rows: Rows, values: Array) -> None:
    """Under cosine, a sample of norm zero has ½ with all others, whatever its distance to them."""
    if similarity.kind == "cosine":
        zero = similarity.space.squared_norms() == 0
        if zero.any():
            values[zero[rows] | zero[:, None]] = 0.5


@compiled
def _joins(rows: Array, one: int, two: int) -> bool:
    found = False
    for other in rows[one]:
        found |= other == two
    return found


@compiled
def _count(rows: Array, degrees: Array) -> None:
    for i in range(len(rows)):
        degrees[i] += rows.shape[1]
        for j in rows[i]:
            if not _joins(rows, j, i):
                degrees[j] += 1


@compiled
def _fill(rows: Array, bits: Array, ends: Array, keys: Array) -> None:
    for i in range(len(rows)):
        keys[ends[i]] = ((HIGHEST - ONE) << 32) | i
        ends[i] += 1
        for k in range(rows.shape[1]):
            j = rows[i, k]
            high = (HIGHEST - np.int64(bits[i, k])) << 32
            keys[ends[i]] = high | j
            ends[i] += 1
            if not _joins(rows, j, i):
                keys[ends[j]] = high | i
                ends[j] += 1


@compiled
def _sort(span: tuple[int, int], starts: Array, keys: Array, rows: Array, bits: Array) -> None:
    for i in range(span[0], span[1]):
        row = np.sort(keys[starts[i] : starts[i + 1]])
        for k in range(len(row)):
            rows[starts[i] + k] = row[k] & HIGHEST
            bits[starts[i] + k] = HIGHEST - (row[k] >> 32)
