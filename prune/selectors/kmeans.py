"""k-means sampling: every cluster gives its share, so that common and rare kinds are both kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.selection import CLUSTER_OF, Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space
from prune.selectors.prototypes import ITERATIONS, cluster_count, clustering


def kmeans(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    clusters: int | None = None,
    share: Literal["proportional", "equal"] = "proportional",
    draw: Literal["nearest", "random"] = "nearest",
    metric: Literal["euclidean", "cosine"] = "cosine",
    given: Rows | None = None,
) -> Selection:
    """The same share of every k-means cluster, or the same number, nearest to the centroid first.

    Samples are clustered, spherically under cosine, and put in an order inside their cluster. Under
    ``proportional``, sample r (from 0) of a cluster of m stands at ``(r + ½)/m``, and the first k in line are
    taken: of every prefix, a cluster has its share within one sample, nearly (Sainte-Laguë's rule). Under
    ``equal``, sample r stands at r: one of each cluster, larger clusters first, then a second of each, until
    small clusters are used up. ``clusters=k share=equal`` takes the sample nearest to each of k centroids.
    Time O(n·clusters·d), and 20 iterations on at most 256 samples a cluster; memory O(n + clusters·d).
    Gradients are clustered by a sketch of 512 numbers.

    Good for small budgets without labels: with ``draw=random`` it is stratified random sampling, never far
    from random and less noisy; ``share=equal`` flattens what is common. Bad at telling hard from easy:
    ``draw=nearest`` keeps typical samples only, and ``equal`` gives outliers the weight of whole clusters.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the first centroids, and of the draw.
    clusters
        Number of clusters, at least 1; default √n, whatever k is, so that a smaller budget is a prefix.
    share
        ``proportional`` to the sizes of the clusters, or ``equal``.
    draw
        Order inside a cluster: ``nearest`` to the centroid first, ties by lower row but for samples
        that coincide, which are drawn by the hash of seed and key; or ``random``.
    metric
        Of the clusters and distances.
    given
        Positions of samples that are chosen already: they come first in their clusters and count as their
        share, but are not returned.

    Returns
    -------
    Gains are 0, weights are 1. Facts: `clusters`, how many there are; `reached`, how many of them the k
    samples come from; `cluster_of`, the cluster of each sample.

    Raises
    ------
    OptionError
        `clusters` is below 1.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28, 1982. Balinski & Young, "Fair
    Representation", 1982, for the rule of the shares.
    """
    from prune.index.clusters import clusters as clustered

    free, taken = free_rows(space.n, given, k)
    count = cluster_count(clusters, space.n)
    found = clustered(space.under(metric).coordinates(), count, seed=seed, iterations=ITERATIONS)
    key = found.squares if draw == "nearest" else np.random.default_rng(seed).permutation(space.n)
    early = np.zeros(space.n, bool)
    early[taken] = True
    place, size = places(found.owner, key, early)
    stand = place if share == "equal" else (place + 0.5) / size
    order = np.lexsort((found.owner[free], -size[free], stand[free]))[:k]
    rows = free[order]
    facts = {"clusters": len(found.centroids), "reached": len(np.unique(found.owner[rows]))}
    owners = {"rows": np.arange(space.n), "of": found.owner}
    return Selection.of(rows, facts=facts | {CLUSTER_OF: owners})


def plan_of_kmeans(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what k-means and k places need."""
    count = cluster_count(options["clusters"], size.n)
    why = f"{k:,} of {size.n:,} samples in {count:,} clusters"
    return Plan("direct", why, *clustering(size, count))


def places(owner: Array, key: Array, early: Array | None = None) -> tuple[Array, Array]:
    """(n,) place of every sample in its cluster, from 0, and (n,) size of that cluster.

    The samples in `early` (n,) bool stand first, then those of low key (n,); ties by lower row.
    """
    order = np.lexsort((key, owner) if early is None else (key, ~early, owner))
    sizes = np.bincount(owner)
    place = np.empty(len(owner), np.int64)
    place[order] = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return place, sizes[owner]
