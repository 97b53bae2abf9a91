"""Log-determinant: the kept samples span as large a volume as possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.safe_text import size as amount
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size, size_of
from prune.index.space import EmbeddingSpace, Space
from prune.optimizers.function import QUEUE

SAMPLE = QUEUE + 64  # bytes per sample
LEAST = 1e-4  # below it float32 similarities are no kernel


def log_det(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    similarity: Literal["cosine", "rbf"] = "cosine",
    ridge: float = 0.01,
    greedy: Literal["lazy", "naive", "stochastic", "approximate"] = "lazy",
    epsilon: float = 0.1,
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = log det(s_S + εI)``: the likeliest set of a determinantal point process.

    The gain of j is ``log(sⱼⱼ + ε − s_jS (s_S + εI)⁻¹ s_Sj)``, the logarithm of what is left of its variance
    once S is known. It is never below log ε, since the ridge is left of every sample; where nothing else is
    left of any, all gains are equal, and ties decide. f is submodular, and need not rise: most
    gains are negative. ``lazy`` takes the samples of the plain loop with its gains, both to ten decimals;
    ties of different samples go to the lower row, of those that coincide to the lowest hash of seed and key.

    With ``cosine`` on vectors a (d + 1)² matrix stands for all the chosen: time O(n·d²) for a first look at
    all and O(256·d) at most for each sample looked at again, memory O(d² + n). Otherwise a triangular matrix
    of the chosen grows: time O(k·(width + picks missed)) for each sample looked at, memory O(k² + n).

    Good for small, varied subsets without duplicates: what the others already explain is worth nothing.
    Bad at density, like `disparity_min`, and at k well above the rank: beyond d + 1 samples cosines have no
    direction left, and what is chosen then balances the ones there are. ``rbf`` has no such limit.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of ``stochastic``.
    similarity
        ``cosine``: (1 + cos) / 2. ``rbf``: exp(−distance² / (0.1 · mean squared distance)). Both are kernels;
        1 − distance / D need not be.
    ridge
        ε, at least 1e-4. The larger it is, the more f tells of directions with many samples.
    greedy
        ``lazy`` and ``naive``: exact. ``stochastic``: the best of ⌈(n/k)·ln(1/ε)⌉ random samples a step.
        ``approximate``: takes a sample whose gain is at most ε below the largest bound, relatively.
    epsilon
        Of ``stochastic`` and ``approximate``, in ``(0, 0.5]``; not the ridge.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are what each sample added to f. Weights are 1. Facts: ``mode``, ``greedy``, ``added``: the sum of
    the gains, ``spent``: how many samples had less than twice the ridge left. A smaller budget is a prefix,
    except with ``stochastic``.

    Differs: DeepCore adds ``s_jS s_S⁺ s_Sj``, which is the part that is known, and so takes what is most
    redundant. submodlib adds 1, or what it is told, to the diagonal.

    Raises
    ------
    OptionError
        The ridge or ε is out of range, or the matrix of the chosen does not fit in memory.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Kulesza & Taskar, "Determinantal Point Processes for Machine Learning", 2012, arXiv:1207.6083.
    Chen, Zhang & Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to Improve Recommendation
    Diversity", NeurIPS 2018, arXiv:1709.05135.
    """
    from prune.index.similarity import Similarity
    from prune.optimizers.engines import maximise
    from prune.optimizers.log_determinant import PairVolume, ProductVolume

    _, taken = free_rows(space.n, given, k)
    if not LEAST <= ridge < np.inf:
        raise OptionError(f"ridge={ridge:g} is not at least {LEAST:g}", "--set ridge=0.01")
    plan = plan_of_log_det(size_of(space, len(taken)), k, {"similarity": similarity, "greedy": greedy})
    alike = Similarity(space, similarity)
    function: PairVolume | ProductVolume
    if plan.mode == "direct":
        assert isinstance(alike.space, EmbeddingSpace)
        function = ProductVolume(alike.space, ridge, taken)
    else:
        function = PairVolume(alike, ridge, k, taken)
    rows, gains = maximise(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken)
    facts = {
        "mode": plan.mode,
        "greedy": greedy,
        "added": float(gains.sum()),
        "spent": int((gains < np.log(2 * ridge)).sum()),
    }
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_log_det(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `log_det` needs: a matrix of coordinates, or one of the chosen.

    Raises
    ------
    OptionError
        The matrix of the chosen does not fit in memory.
    """
    p, most = size.width + 1, k + size.given
    looks = float(size.n) * k if options.get("greedy") == "naive" else size.n + 500.0 * k
    square = 24 * p * p
    if options.get("similarity", "cosine") == "cosine" and not size.gradients and square <= size.memory // 2:
        held = square + 2**25 + 16 * 4096 * p + SAMPLE * size.n
        why = f"cosines of {size.width} dimensions have {p} of their own"
        return Plan("direct", why, held, 2.0 * p * (size.n * p + looks * min(256, p) + k * p))
    held = 8 * most * most + 2**27 + SAMPLE * size.n
    if held > size.memory:
        raise OptionError(
            f"log_det needs {amount(held)} for {most:,} samples, and may use {amount(size.memory)}",
            "a smaller budget, --quota proportional, or a larger --max-memory",
        )
    why = f"the matrix of {most:,} chosen samples is {amount(8 * most * most)}"
    return Plan("tiled", why, held, looks * most * (size.width + 64.0) + most**3)
