"""Prototypes: samples ranked by their distance to the nearest k-means centroid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.selection import CLUSTER_OF, Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space

ITERATIONS, SAMPLE = 20, 256  # of k-means; the most samples a cluster that its centroid is fitted to
SKETCH = 512  # numbers of a gradient's sketch, which is what k-means sees of it


def prototypes(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    clusters: int | None = None,
    keep: Literal["near", "far"] = "near",
    metric: Literal["euclidean", "cosine"] = "cosine",
    given: Rows | None = None,
) -> Selection:
    """Samples nearest to their k-means centroid (typical, easy), or farthest from it (rare, hard).

    Samples are clustered, spherically under cosine, and ranked by the distance to the centroid of their
    cluster. Time O(n·clusters·d), and 20 iterations on at most 256 samples a cluster; memory
    O(n + clusters·d). Gradients are clustered by a sketch of 512 numbers.

    Good for a quick ranking without labels or training: `near` when data is scarce, `far` when it is abundant
    (Sorscher et al.). Bad at coverage: `near` fills up on the tightest clusters and `far` on outliers, broken
    images and wrong labels among them; `--quota` keeps the classes balanced, as the paper does in part.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the first centroids.
    clusters
        Number of clusters, at least 1; default √n. The paper takes the number of classes, and finds that an
        order of magnitude more or less changes little.
    keep
        ``near`` or ``far``.
    metric
        Of the clusters and distances. Under ``cosine`` the distance is ``√(2 − 2·cos)``.
    given
        Positions of samples that are chosen already: they belong to the clusters, but are not returned.

    Returns
    -------
    Gains are the distances to the centroids, ascending for ``near``, descending for ``far``; ties by lower
    row, of samples that coincide by the hash of seed and key. Weights are 1. Facts: `clusters`, how many
    there are.

    Raises
    ------
    OptionError
        `clusters` is below 1.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Sorscher, Geirhos, Shekhar, Ganguli & Morcos, "Beyond neural scaling laws: beating power law scaling via
    data pruning", NeurIPS 2022, arXiv:2206.14486.
    """
    from prune.index.clusters import clusters as clustered

    free, _ = free_rows(space.n, given, k)
    count = cluster_count(clusters, space.n)
    found = clustered(space.under(metric).coordinates(), count, seed=seed, iterations=ITERATIONS)
    squares = found.squares[free]
    order = np.argsort(squares if keep == "near" else -squares, kind="stable")[:k]
    owners = {"rows": np.arange(space.n), "of": found.owner}
    facts = {"clusters": len(found.centroids), CLUSTER_OF: owners}
    return Selection.of(free[order], gains=np.sqrt(squares[order]), facts=facts)


def plan_of_prototypes(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001 - as every plan
    """Return what k-means and a ranking need."""
    count = cluster_count(options["clusters"], size.n)
    return Plan("direct", f"k-means of {size.n:,} samples in {count:,} clusters", *clustering(size, count))


def cluster_count(clusters: int | None, n: int) -> int:
    """Return the number of clusters asked for, or √n; at most n.

    Raises
    ------
    OptionError
        It is below 1.
    """
    if clusters is None:
        return max(1, round(n**0.5))
    if clusters < 1:
        raise OptionError(f"clusters={clusters} is not at least 1")
    return min(clusters, n)


def clustering(size: Size, count: int) -> tuple[int, float]:
    """Bytes and operations of k-means; of gradients, with their sketch."""
    width = SKETCH if size.gradients else size.width
    own = 4 * size.n * SKETCH if size.gradients else 0
    steps = size.n + ITERATIONS * min(size.n, SAMPLE * count)  # distances to all centroids
    return own + 24 * size.n + 160 * count * width + 2**26, 2.0 * steps * count * width
