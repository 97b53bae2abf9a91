"""Clusters: k-means, spherical under cosine; every sample with its nearest centroid, and none empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.index.kmeans import owners, trained
from prune.index.operands import operands_of
from prune.index.space import Block, EmbeddingSpace

SAMPLE = 256  # samples a centroid that the centroids are fitted to


@dataclass(frozen=True)
class Clusters:
    """Centroids, and the nearest of them to each sample."""

    centroids: Block  # (m, d)
    owner: npt.NDArray[np.int32]  # (n,)
    squares: npt.NDArray[np.float32]  # (n,) squared distance to it


def clusters(space: EmbeddingSpace, count: int, *, seed: int, iterations: int = 20) -> Clusters:
    """Centroids by k-means: a k-means++ start, then Lloyd's iterations on at most 256 samples a centroid.

    Time O(iterations·256·count²·d + n·count·d) as matrix products, memory O(n + 32·count·d).

    Parameters
    ----------
    space
        n samples. Under ``cosine`` centroids have norm 1, or 0 where directions cancel out.
    count
        At least 1.
    seed
        Of the start, and of the samples that the centroids are fitted to.
    iterations
        At most so many; fewer if nothing moves any more.

    Returns
    -------
    At most `count` centroids: fewer where there are fewer distinct samples, or one was nobody's nearest.
    Squared distances are sums of differences. The same bytes for the same seed and any number of threads.

    Raises
    ------
    ValueError
        `count` is less than 1.

    References
    ----------
    Arthur & Vassilvitskii, "k-means++: The Advantages of Careful Seeding", SODA 2007.
    """
    if count < 1:
        raise ValueError(f"cannot form {count} clusters")
    centroids = trained(space, count, seed=seed, iterations=iterations, sample=SAMPLE)
    owner, gaps = owners(operands_of(space), centroids)
    sizes = np.bincount(owner, minlength=len(centroids))
    place = np.cumsum(sizes > 0) - 1
    squares = np.minimum(gaps, np.finfo(np.float32).max).astype(np.float32)
    return Clusters(centroids[sizes > 0], place[owner].astype(np.int32), squares)
