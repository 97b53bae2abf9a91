"""CAL: samples about which the proxy thinks otherwise than about their neighbours."""

from __future__ import annotations

from typing import Literal

import numpy as np

from prune.core.arrays import Array, Probs, Rows, Scores
from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace

_NUMBERS = 2**21  # probabilities of neighbours in arithmetic at a time
_LEAST = 1e-7  # added to every probability: about the smallest that float16 can store


def cal(
    space: EmbeddingSpace,
    probs: Probs,
    /,
    *,
    seed: int,
    neighbours: int = 10,
    metric: Literal["euclidean", "cosine"] = "euclidean",
) -> Scores:
    """Mean over the K nearest neighbours j of ``KL(p_j ‖ p) = Σ_c p_j (log p_j − log p)``.

    Neighbours are near in the embedding; p are the predictions of the first proxy after its last epoch. The
    paper keeps the highest. Time O(n²·d) as matrix products while that is about a minute, O(n^1.5·d) by
    inverted lists beyond, and O(n·K·c); memory 24 bytes for each of n·K neighbours.

    Good at the decision boundary, where alike samples are predicted apart, without looking at labels. Bad
    with a proxy that is sure of everything, and in an embedding that does not know the task.

    Parameters
    ----------
    space
        n samples of an embedding; `--on` names it.
    probs : (n, c)
        Softmax of the proxy.
    seed
        Of the inverted lists.
    neighbours
        K, at least 1; cut to n − 1.
    metric
        Of the neighbours.

    Returns
    -------
    (n,)
        At least 0 and finite: 0 where all neighbours are predicted alike, high where they are predicted
        otherwise (contrastive). 0 for an only sample.

    Raises
    ------
    OptionError
        `neighbours` is below 1.
    ValueError
        There are not as many predictions as samples.

    References
    ----------
    Margatina, Vernikos, Barrault & Aletras, "Active Learning by Acquiring Contrastive Examples", EMNLP 2021,
    arXiv:2109.03764.
    Differs: neighbours are looked for among all samples, not among those labelled so far; 1e-7 is added to
    every probability, so that none is 0.
    """
    from prune.index.neighbours import nearest

    if neighbours < 1:
        raise OptionError(f"neighbours={neighbours} is not at least 1")
    if len(probs) != space.n:
        raise ValueError(f"{len(probs)} predictions, but {space.n} samples")
    rows = nearest(space.under(metric), neighbours, seed=seed).rows
    scores = np.zeros(space.n, np.float32)
    step = max(1, _NUMBERS // max(1, rows.shape[1] * probs.shape[1]))
    for start in range(0, space.n if rows.shape[1] else 0, step):
        span = slice(start, start + step)
        scores[span] = _divergences(probs, span, rows[span]).mean(axis=1)
    return scores


def _divergences(probs: Probs, span: slice, rows: Rows) -> Array:
    """(b, K) KL of every neighbour's prediction from that of the sample."""
    own, theirs = _logs(probs[span])[:, None], _logs(probs[rows])
    found = np.einsum("bkc,bkc->bk", np.exp(theirs), theirs - own)
    return np.maximum(found, 0)  # below it by rounding only


def _logs(probs: Probs) -> Array:
    masses = probs.astype(np.float64) + _LEAST
    return np.log(masses) - np.log(masses.sum(axis=-1, keepdims=True))
