"""Contextual diversity: samples spread so that the model is confused about each in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Probs, Rows
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size


def contextual_diversity(
    probs: Probs, /, *, k: int, smoothing: float = 1e-7, given: Rows | None = None
) -> Selection:
    """Farthest-first on predicted distributions, under the symmetric KL divergence.

    ``J(p, q) = ½ KL(p‖q) + ½ KL(q‖p) = ½ Σ_c (p_c − q_c)(ln p_c − ln q_c)``

    Each sample taken is the one whose divergence from the nearest one taken before is largest. Exact:
    divergences are float64 sums of float32 probabilities and logarithms, ties of different samples go to the
    lower row, and samples that coincide with one taken are taken last, drawn by the hash of seed and key.
    `smoothing` is added to every probability, and rows are divided by their sums, so that a probability of 0
    has a logarithm.

    Good for active learning and for finding every way in which a model is confused, also where features are
    not at hand; with a proxy that is still unsure. Bad with a proxy that is sure of everything: then all
    samples of a class coincide, and differences below `smoothing` decide. It takes outliers and wrong labels
    first, as farthest-first does, and knows nothing of how many samples are alike.

    Time O(n·k·c) in matrix products, memory O(n) and a block of samples.

    Parameters
    ----------
    probs : (n, c)
        Softmax of the proxy; at least 0, float16 or float32.
    k
        In ``[1, n − given]``.
    smoothing
        In ``(0, 1]``; bounds the divergence by about ``ln(1 / smoothing)``. The default is the size of the
        smallest number that float16 can store.
    given
        Positions of samples that are taken already. Without any, the first is the sample nearest to the mean
        distribution.

    Returns
    -------
    Gains are the divergences at which the samples were taken, which never rise; that of the first, if nothing
    was given, is the divergence of the sample farthest from it. Weights are 1.

    Raises
    ------
    OptionError
        `smoothing` is not in ``(0, 1]``.
    ValueError
        A probability is negative or not finite, a row is all 0, or k is not in ``[1, n − given]``.

    Differs: the paper mixes the distributions of the regions of an image, weighted by entropy, for each
    class; here a sample has one distribution. The first is the most ordinary sample, as in `kcenter`, and not
    a random one.

    References
    ----------
    Agarwal, Arora, Anand & Arora, "Contextual Diversity for Active Learning", ECCV 2020, arXiv:2008.05723.
    Gonzalez, "Clustering to minimize the maximum intercluster distance", Theor. Comput. Sci. 38, 1985.
    """
    _require_distributions(probs)
    if not 0 < smoothing <= 1:
        raise OptionError(f"smoothing={smoothing} is not in (0, 1]")
    n = len(probs)
    chosen = np.empty(0, np.int64) if given is None else np.unique(np.asarray(given, np.int64))
    if len(chosen) and not 0 <= chosen[0] <= chosen[-1] < n:
        raise ValueError(f"given positions span [{chosen[0]}, {chosen[-1]}], but there are {n} samples")
    if not 1 <= k <= n - len(chosen):
        raise ValueError(f"cannot keep {k} of {n - len(chosen)} samples")
    from prune.index.kl_farthest import Predictions, farthest_by_divergence

    rows, gains = farthest_by_divergence(Predictions(probs, smoothing), k, chosen)
    return Selection.of(rows, gains=gains.astype(np.float32))


def plan_of_contextual_diversity(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001
    """All samples meet a few hundred chosen ones at a time; the width is the number of classes."""
    why = f"{size.n} samples meet {k} chosen ones, 256 at a time"
    return Plan("tiled", why, 40 * size.n + 2**26, 4.0 * size.n * k * size.width)


def _require_distributions(probs: Probs) -> None:
    if probs.ndim != 2 or 0 in probs.shape:
        raise ValueError(f"probs have shape {probs.shape}, not (samples, classes)")
    step = max(1, 2**22 // probs.shape[1])
    for start in range(0, len(probs), step):
        block = probs[start : start + step]
        bad = ~(np.isfinite(block) & (block >= 0)).all(axis=1) | (block.max(axis=1) <= 0)
        if bad.any():
            first = start + int(np.argmax(bad))
            raise ValueError(f"probs of row {first} are no distribution: {probs[first].min()} is the least")
