"""Class median: how far a sample is from the middle of its class."""

from __future__ import annotations

from typing import Literal

import numpy as np

from prune.core.arrays import Labels, Scores
from prune.index.space import BLOCK, EmbeddingSpace


def class_median(
    space: EmbeddingSpace, labels: Labels, /, *, metric: Literal["euclidean", "cosine"] = "euclidean"
) -> Scores:
    """Distance to the median embedding of the class, ``‖x − median(x of the class)‖₂``.

    The median is taken in each dimension by itself. Where there is an embedding, no proxy is trained. Time
    O(n·d), memory O(d) numbers for each member of the largest class.

    Good for `moderate`, which keeps what is neither close nor far, and for finding wrong labels, which are
    far. Bad at classes of several kinds, whose middle is nobody, and at ranking across classes of unequal
    spread.

    Parameters
    ----------
    space
        n samples of an embedding; `--on` names it.
    labels : (n,)
        Class ids, at least 0.
    metric
        ``cosine`` divides embeddings by their norms first.

    Returns
    -------
    (n,)
        At least 0: 0 in the middle of the class, as is its only member; high far from it (atypical).

    Raises
    ------
    ValueError
        A label is missing, or there are not as many as samples.

    References
    ----------
    Xia, Liu, Yu, Shen, Han & Liu, "Moderate Coreset: A Universal Method of Data Selection for Real-world
    Data-efficient Deep Learning", ICLR 2023.
    """
    if len(labels) != space.n or (labels < 0).any():
        raise ValueError(f"{int((labels >= 0).sum())} labels, but {space.n} samples")
    samples = space.under(metric)
    scores = np.empty(space.n, np.float32)
    order = np.argsort(labels, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        middle = np.median(samples.take(rows), axis=0).astype(np.float64)
        for start in range(0, len(rows), BLOCK):
            here = rows[start : start + BLOCK]
            scores[here] = np.sqrt(np.square(samples.take(here) - middle).sum(axis=1))
    return scores
