"""Density: how much a sample resembles its nearest neighbours; copies resemble them most."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Scores
from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace


def density(space: EmbeddingSpace, /, *, seed: int, neighbours: int = 10) -> Scores:
    """Mean cosine similarity to the K nearest neighbours.

    Needs no label and, where there is an embedding, no proxy. Time O(n²·d) as matrix products while that is
    about a minute, O(n^1.5·d) by inverted lists beyond; memory 24 bytes for each of n·K neighbours.

    Good at showing what is redundant: groups of near-copies come first. Bad at telling a copy from a member
    of a tight class, and below K copies a duplicate is averaged with strangers: ``neighbours=1`` finds pairs.

    Parameters
    ----------
    space
        n samples of an embedding; `--on` names it.
    seed
        Of the inverted lists.
    neighbours
        K, at least 1; cut to n − 1.

    Returns
    -------
    (n,)
        In ``[−1, 1]``: 1 where all K neighbours point the same way, as those of exact duplicates do
        (redundant); low where the sample is alone. 0 for an only sample.

    Raises
    ------
    OptionError
        `neighbours` is below 1.

    References
    ----------
    Settles & Craven, "An Analysis of Active Learning Strategies for Sequence Labeling Tasks", EMNLP 2008, for
    information density.
    Differs: the mean over the K nearest, where the paper takes that over all samples.
    """
    from prune.index.neighbours import nearest

    if neighbours < 1:
        raise OptionError(f"neighbours={neighbours} is not at least 1")
    directions = space.under("cosine")
    found = nearest(directions, neighbours, seed=seed)
    if not found.rows.shape[1]:
        return np.zeros(space.n, np.float32)
    norms = directions.squared_norms()  # 0 where there is no direction
    cosines = (norms[:, None] + norms[found.rows] - found.squares) / 2
    cosines[found.squares == 0] = 1
    return np.clip(cosines, -1, 1).mean(axis=1).astype(np.float32)
