"""Clusters: k-means, spherical under cosine; every sample with its nearest centroid, and none empty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from prune.index.blocks import operands_of
from prune.index.kmeans import owners, trained
from prune.index.product_frame import far_off, middle
from prune.index.space import Block, EmbeddingSpace, Vector

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
    moved, point = _near(space)
    centroids = trained(moved, count, seed=seed, iterations=iterations, sample=SAMPLE)
    owner, gaps = owners(operands_of(moved), centroids)
    sizes = np.bincount(owner, minlength=len(centroids))
    place = np.cumsum(sizes > 0) - 1
    squares = np.minimum(gaps, np.finfo(np.float32).max).astype(np.float32)
    back = centroids if point is None else (centroids + point).astype(np.float32)
    return Clusters(back[sizes > 0], place[owner].astype(np.int32), squares)


def _near(space: EmbeddingSpace) -> tuple[EmbeddingSpace, Vector | None]:
    """Move samples whose mean is far off: float32 centroids then have digits for what samples differ by."""
    if space.metric == "cosine":
        return space, None
    mean, spread = middle(space)
    if not far_off(mean, spread):
        return space, None
    point = mean.astype(np.float32).astype(np.float64)
    return space.around(point), point
