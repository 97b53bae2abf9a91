"""Beta: draw by score, near a difficulty that becomes easier the less is kept (DUAL)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prune.core.arrays import Scores
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.selectors.random import weighted_order
from prune.selectors.top import require_finite

_TOTAL = 16.0  # of the two parameters: how narrow the density is
_HIGHEST = 10  # samples whose mean easiness says where the score puts its weight
_EDGE = 2.0**-12  # half a step of float16 below 1: what is stored as certain is this far from it


def beta(
    scores: Scores, easiness: Scores, keys: Sequence[str], /, *, k: int, seed: int, c: float = 4.0
) -> Selection:
    """Without replacement, with odds ``Beta(p; 16 − b, b) · score``, ``b = 15·(1 − μ)·(1 − r^c)``.

    p is how sure of the label the proxy was, on average over training; μ is its mean over the ten samples of
    the highest score; r is the fraction of these n samples that is *not* kept. With much kept, b is near
    15·(1 − μ) and the density stands where the score does; with little kept, b is near 0 and it moves to the
    easy end. Drawn by seed and key, so the order of the dataset does not matter. Time O(n·log n), memory
    O(n).

    Good for the score `dual` at small budgets, where `top` fails for want of easy samples; bad at budgets of
    more than half, where `top` on `dual` is as good and certain, and with scores where high is easy.

    Parameters
    ----------
    scores : (n,)
        At least 0; high ones are preferred, and those of 0 drawn last.
    easiness : (n,)
        Mean probability of the label over the epochs of the trace, in ``[0, 1]``.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw.
    c
        How late the density moves to the easy end: 4 for CIFAR, 11 for ImageNet; over 0.

    Returns
    -------
    k rows in the order drawn; not nested, since b depends on k. Gains are 0, weights are 1. Facts: `b` and
    `mu`.

    Raises
    ------
    OptionError
        `c` is not over 0, or a score is negative.
    ValueError
        A score is not finite, the easiness leaves ``[0, 1]``, or k is not in ``[1, n]``.

    References
    ----------
    Cho, Shin, Kang & Yun, "Lightweight Dataset Pruning without Full Training via Example Difficulty and
    Prediction Uncertainty", ICML 2025, arXiv:2502.06905.
    """
    require_finite(scores, k)
    if not (easiness >= 0).all() or not (easiness <= 1).all():
        raise ValueError(f"easiness spans [{easiness.min()}, {easiness.max()}], not a part of [0, 1]")
    if not np.isfinite(c) or c <= 0:
        raise OptionError(f"c={c} is not over 0", "c=4 is for CIFAR, c=11 for ImageNet")
    if scores.min() < 0:
        raise OptionError(
            f"beta multiplies by the score, and the lowest is {scores.min():g}",
            "--score dual, or another that is never negative",
        )
    p = easiness.astype(np.float64)
    mu = float(p[np.argsort(-scores, kind="stable")[:_HIGHEST]].mean())
    b = (_TOTAL - 1) * (1 - mu) * (1 - (1 - k / len(scores)) ** c)
    p = np.clip(p, _EDGE, 1 - _EDGE)
    with np.errstate(divide="ignore"):
        logs = (_TOTAL - b - 1) * np.log(p) + (b - 1) * np.log1p(-p) + np.log(scores.astype(np.float64))
    return Selection.of(weighted_order(logs, keys, f"{seed} beta")[:k], facts={"b": b, "mu": mu})
