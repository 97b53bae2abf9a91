"""Lloyd's iterations on a sample, from a k-means++ start; what decides who owns a sample is a float64 sum."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.blocks import Operands, operands_of
from prune.index.exact import each_to_all
from prune.index.kmeans_start import started
from prune.index.space import BLOCK, Block, EmbeddingSpace
from prune.system.compilation import compiled
from prune.system.executors.threads import steady


def trained(
    space: EmbeddingSpace, count: int, *, seed: int, iterations: int, sample: int, careful: bool = True
) -> Block:
    """(m, d) float32 centroids of at most `sample` samples a centroid; spherical under cosine; m ≤ count.

    The start is k-means++, or, if it need not be `careful`, samples drawn uniformly.

    Time O(iterations·sample·count²·d) as matrix products. The same for the same seed, whatever the threads.
    """
    rng = np.random.default_rng(seed)
    count = min(count, space.n)
    some = space if space.n <= sample * count else space.subset(_drawn(rng, space.n, sample * count))
    base = operands_of(some)
    with steady():
        centroids = started(some, count, rng) if careful else some.take(_drawn(rng, some.n, count))
    for _ in range(iterations):
        owner, gaps = owners(base, centroids)
        moved = _means(some, owner, centroids, gaps)
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def owners(base: Operands, centroids: Block) -> tuple[Rows, Array]:
    """Return the nearest centroid of each sample, ties by lower row, and the squared distance to it."""
    others = base.framed_like(EmbeddingSpace(centroids, memory=1))
    heaps = each_to_all(base, others, 1)
    return heaps.who[:, 0].astype(np.int64), heaps.gaps[:, 0]


def _drawn(rng: np.random.Generator, n: int, size: int) -> Rows:
    return np.sort(rng.choice(n, size, replace=False))


def _means(space: EmbeddingSpace, owner: Rows, centroids: Block, gaps: Array) -> Block:
    """Move centroids to the means of what they own; those that own nothing, to the worst served samples."""
    sums = np.zeros(centroids.shape, np.float64)
    for start in range(0, space.n, BLOCK):
        stop = min(start + BLOCK, space.n)
        _add_to_owners(space.block(start, stop), owner[start:stop], sums)
    sizes = np.bincount(owner, minlength=len(centroids))
    sums /= np.maximum(sizes, 1)[:, None]
    if space.metric == "cosine":
        norms = np.sqrt((sums * sums).sum(1, keepdims=True))
        sums /= np.where(norms > 0, norms, 1)
    moved = sums.astype(np.float32)
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        worst = np.argsort(-gaps, kind="stable")[: len(empty)]
        moved[empty[: len(worst)]] = space.take(worst)
    return moved


@compiled
def _add_to_owners(rows: Array, owner: Array, sums: Array) -> None:
    """Add every row to the float64 sum of its owner, first row first."""
    for i in range(len(rows)):
        sums[owner[i]] += rows[i]
