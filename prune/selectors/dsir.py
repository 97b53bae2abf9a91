"""DSIR: draw texts whose words are those of a target."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from prune.core.arrays import Array
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import LEFT_OUT, Selection
from prune.index.space import Sums
from prune.index.target_weights import weights_of_target
from prune.modalities.text.ngram_counts import bucket_counts, bucket_sums
from prune.modalities.text.texts import Texts
from prune.selectors.random import weighted_order

_FLOOR = 1e-8  # added to probabilities, as published: a word that a side lacks decides much, but not all


def dsir(
    texts: Texts,
    keys: Sequence[str],
    /,
    *,
    k: int,
    seed: int,
    target: Texts,
    target_weights: Sums | None = None,
    shortest: int = 100,
    buckets: int = 10_000,
    smoothing: float = 0.0,
    tau: float = 1.0,
) -> Selection:
    """Without replacement, with odds ``Π (p_target / p_pool)`` over the words and word pairs of the text.

    Words of lower-cased text and pairs of neighbouring words are hashed into 10,000 buckets; p is the share
    of a bucket in all texts of the target, and of the pool. The logarithm of the odds is
    ``⟨counts, ln(p_target + 1e-8) − ln(p_pool + 1e-8)⟩``, and the draw is by Gumbel top-k, by seed and key,
    so the order of the dataset does not matter. Time O(words) in two readings of the pool and one of the
    target, memory O(n).

    Good for choosing from crawled text what reads like a target, without a model; bad for short texts, whose
    few words say little (those under `shortest` words are left out, as published), and blind to meaning: a
    review that pans a film has the words of one that praises it. The odds grow with the length of a text, so
    the draw prefers the extremes; ``tau`` above 1 softens it.

    Parameters
    ----------
    texts
        n texts.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, and at most as many as are long enough.
    seed
        Of the draw.
    target
        Texts to match.
    target_weights : (t,)
        At least 0, not all 0; default 1.
    shortest
        Texts of fewer words are never taken; 0 leaves out none.
    buckets
        At least 1.
    smoothing
        Added to the count of every bucket of the target (Laplace), at least 0.
    tau
        The logarithm of the odds is divided by it; 0 takes the best first, without a draw.

    Returns
    -------
    k rows in the order drawn; a smaller budget is a prefix. Gains are the logarithms of the odds, as float32
    holds them; weights are 1. Facts: `too_short`, how many texts were left out.

    Raises
    ------
    OptionError
        An option is out of range, the target has no words, or fewer than k texts are long enough.
    ValueError
        k is not in ``[1, n]``.

    Differs: buckets are those of our own 64-bit hash, not of SHA-256; both p are of all texts, not of the
    first 100,000 × buckets words.

    References
    ----------
    Xie, Santurkar, Ma & Liang, "Data Selection for Language Models via Importance Resampling", NeurIPS 2023,
    arXiv:2302.03169.
    """
    _require_range(shortest, buckets, smoothing, tau)
    if not 1 <= k <= texts.n:
        raise ValueError(f"cannot keep {k} of {texts.n} samples")
    counts, sizes = bucket_counts(texts, buckets, "count words")
    fit = np.flatnonzero(sizes >= shortest)
    if k > len(fit):
        raise OptionError(
            f"{texts.n - len(fit)} of {texts.n} texts have fewer than {shortest} words and are left out: "
            f"{len(fit)} are left, fewer than the {k} to keep",
            f"--set shortest=0, or --count {len(fit)}" if len(fit) else "--set shortest=0",
        )
    shares = weights_of_target(target_weights, target.n)
    wanted = bucket_counts(target, buckets, "count words of the target", shares)[0] + smoothing
    if not wanted.any():
        raise OptionError("the target has no words", "name another --target")
    odds = bucket_sums(texts.subset(fit), _shares(wanted) - _shares(counts), "weigh texts")
    named = [keys[row] for row in fit.tolist()]
    if tau > 0:
        rows = fit[weighted_order(odds / tau, named, f"{seed} dsir")[:k]]
    else:
        rows = fit[np.lexsort((lots(named, str(seed)), -odds))[:k]]
    short = np.setdiff1d(np.arange(texts.n), fit)
    facts = {
        "too_short": len(short),
        LEFT_OUT: {"rows": short.tolist(), "reason": f"fewer than {shortest} words"},
    }
    return Selection.of(rows, gains=odds[np.searchsorted(fit, rows)].astype(np.float32), facts=facts)


def _shares(counts: Array) -> Array:
    """Logarithms of probabilities: by the C library, which rounds alike on every processor."""
    return np.array([math.log(share + _FLOOR) for share in (counts / max(counts.sum(), 1)).tolist()])


def _require_range(shortest: int, buckets: int, smoothing: float, tau: float) -> None:
    if shortest < 0:
        raise OptionError(f"shortest={shortest} is negative", "shortest=0 leaves out no text")
    if buckets < 1:
        raise OptionError(f"buckets={buckets} is not at least 1", "buckets=10000")
    if not 0 <= smoothing < math.inf:
        raise OptionError(f"smoothing={smoothing} is not a number of at least 0", "smoothing=1")
    if not 0 <= tau < math.inf:
        raise OptionError(f"tau={tau} is not a number of at least 0", "tau=1 draws as published")
