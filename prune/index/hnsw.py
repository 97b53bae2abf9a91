"""Nearest neighbours from faiss's navigable graph, put in order by exact distances."""

from __future__ import annotations

import numpy as np

from prune.index import topk
from prune.index.blocks import operands_of
from prune.index.space import BLOCK, Space
from prune.index.topk import Heaps, heaps_of

LINKS = 32  # a sample has twice as many on the lowest level
BREADTH = 160  # candidates kept while the graph is built
PIECE = 512  # samples whose candidates are put in order together


def from_hnsw(space: Space, count: int) -> Heaps:
    """Return the nearest of each sample that faiss finds; memory n·(4·d + 8·LINKS) bytes.

    The graph is built by one thread: with several it would differ from run to run.

    Raises
    ------
    ImportError
        There is no faiss.
    """
    import faiss

    vectors = space.coordinates()
    index = faiss.IndexHNSWFlat(vectors.d, LINKS)
    index.hnsw.efConstruction = BREADTH
    index.hnsw.efSearch = max(2 * count, BREADTH)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        for _, block in vectors.blocks():
            index.add(np.ascontiguousarray(block))
    finally:
        faiss.omp_set_num_threads(threads)
    operands, heaps = operands_of(space), heaps_of(space.n, count)
    spare = min(count + 1 + (count if space is not vectors else 8), space.n)
    for start in range(0, space.n, BLOCK):
        stop = min(start + BLOCK, space.n)
        _, found = index.search(np.ascontiguousarray(vectors.block(start, stop)), spare)
        for first in range(start, stop, PIECE):
            rows = slice(first, min(first + PIECE, stop))
            candidates = found[first - start : rows.stop - start]
            others, at = np.unique(candidates, return_inverse=True)
            others = np.maximum(others, 0)
            places = np.where(candidates < 0, -1, at.reshape(candidates.shape))
            one, two = operands.load(rows), operands.load(others)
            topk.meet_named(heaps, one.side, two.side, places)
    return heaps
