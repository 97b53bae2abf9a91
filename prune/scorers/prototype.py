"""Prototype: how far a sample is from the nearest of a few typical ones, whatever its label."""

from __future__ import annotations

from typing import Literal

import numpy as np

from prune.core.arrays import Scores
from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace


def prototype(
    space: EmbeddingSpace,
    /,
    *,
    classes: int,
    seed: int,
    clusters: int | None = None,
    metric: Literal["euclidean", "cosine"] = "cosine",
) -> Scores:
    """Distance to the nearest k-means centroid of the embedding.

    Clusters are spherical under cosine. Needs no label and, where there is an embedding, no proxy. Time
    O(n·clusters·d), and 20 iterations on at most 256 samples a cluster; memory O(n + clusters·d).

    Good as a difficulty without labels: the far ones are worth most where data is abundant, the near ones
    where it is scarce. Bad at telling rare from broken: outliers and unreadable scans are the farthest.

    Parameters
    ----------
    space
        n samples of an embedding; `--on` names it.
    classes
        How many classes the labels have; 0 if there are none.
    seed
        Of the first centroids.
    clusters
        Number of clusters, at least 1. Default: the number of classes as in the paper, which finds that an
        order of magnitude more or less changes little; √n where there are no labels.
    metric
        Of the clusters and distances. Under ``cosine`` the distance is ``√(2 − 2·cos)``.

    Returns
    -------
    (n,)
        At least 0: 0 where the sample is a centroid, high far from all of them (atypical). Under ``cosine``
        at most 2.

    Raises
    ------
    OptionError
        `clusters` is below 1.

    References
    ----------
    Sorscher, Geirhos, Shekhar, Ganguli & Morcos, "Beyond neural scaling laws: beating power law scaling via
    data pruning", NeurIPS 2022, arXiv:2206.14486.
    """
    from prune.index.clusters import clusters as clustered

    if clusters is not None and clusters < 1:
        raise OptionError(f"clusters={clusters} is not at least 1")
    count = clusters if clusters is not None else classes or round(space.n**0.5)
    found = clustered(space.under(metric), min(count, space.n), seed=seed)
    return np.sqrt(found.squares).astype(np.float32)
