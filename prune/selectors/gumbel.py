"""Gumbel: draw by score, so that high scores are likely and none is certain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prune.core.arrays import Scores
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.selectors.random import weighted_order
from prune.selectors.top import require_finite


def gumbel(scores: Scores, keys: Sequence[str], /, *, k: int, seed: int, tau: float = 1.0) -> Selection:
    """Without replacement, with odds ``exp(score / (τ·σ))``, where σ is the spread of the scores.

    The temperature counts in standard deviations: at ``tau=1`` a sample one deviation higher is e times as
    likely to be drawn next, whatever the unit of the score. Near 0 it is `top`, far above 1 `random`, and
    below 0 low scores are preferred. Drawn by seed and key, so the order of the dataset does not matter. Time
    O(n·log n), memory O(n).

    Good for a preference that is not a cliff: some of the easy samples stay, and so does coverage, where
    `top` fails below 30 % kept; bad at scores with a few extreme values, which make σ large and the draw
    nearly uniform, and with wrong labels when high is hard (`--drop-hardest auto` first).

    Parameters
    ----------
    scores : (n,)
        Any finite numbers; high ones are preferred.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the draw.
    tau
        τ, in standard deviations of the scores; not 0.

    Returns
    -------
    k rows in the order drawn; a smaller budget is a prefix. Gains are 0, weights are 1. Facts: `sigma`, the
    spread. Equal scores are drawn uniformly.

    Raises
    ------
    OptionError
        `tau` is 0 or not a finite number.
    ValueError
        A score is not finite, or k is not in ``[1, n]``.

    References
    ----------
    Kool, van Hoof & Welling, "Stochastic Beams and Where to Find Them: The Gumbel-Top-k Trick for Sampling
    Sequences Without Replacement", ICML 2019, arXiv:1903.06059.
    Wettig et al., "QuRating: Selecting High-Quality Data for Training Language Models", ICML 2024,
    arXiv:2402.09739, for choosing data this way (τ = 2).
    Differs: τ counts in standard deviations of the scores, under a quota of those of each class.
    """
    require_finite(scores, k)
    if not np.isfinite(tau) or tau == 0:
        raise OptionError(f"tau={tau} is not a temperature", "tau=1 draws e times as often one deviation up")
    values = scores.astype(np.float64)
    sigma = float(values.std())
    logs = (values - values.mean()) / (tau * sigma) if values.min() < values.max() else np.zeros(len(values))
    return Selection.of(weighted_order(logs, keys, f"{seed} gumbel")[:k], facts={"sigma": sigma})
