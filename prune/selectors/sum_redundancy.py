"""Sum redundancy: as little likeness among the kept samples as possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space


def sum_redundancy(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    similarity: Literal["cosine", "euclidean", "rbf"] = "cosine",
    greedy: Literal["lazy", "naive", "stochastic"] = "lazy",
    epsilon: float = 0.1,
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = Σ_{i,j∈V} sᵢⱼ − Σ_{i,j∈S} sᵢⱼ``: each sample taken is least like those before it.

    The sums run over ordered pairs, i = j included, so that the gain of j is ``−1 − 2·Σ_{i∈S} sᵢⱼ``, always
    negative: f falls with every sample, and k are taken all the same. Submodular. The first gains are equal
    for all samples; where nothing is given, the sample farthest from the mean is the first. Exact: ``lazy``
    takes the samples of the plain loop with its gains; ties of different samples go to the lower row, of
    those that coincide to the lowest hash of seed and key.

    Time O(n·k·width) in matrix products, memory O(n·192); with ``cosine`` exact gains come from the sum of
    the chosen.

    Gains are rounded, so that equal samples are equal: to 2⁻²⁶ with ``cosine``, to 2⁻¹⁸ otherwise, since
    float32 similarities know no better. Samples whose gains differ by less count as ties, and the lower row
    is taken. With ``rbf``, where most similarities are near zero, that is often so among the first picks, and
    a loop in float64 would then take others.

    Good for spreading a subset over directions that differ on average. Bad at representing anything: it knows
    nothing of the samples left out, likes outliers, and takes near-duplicates of far samples, since only the
    average likeness counts; `disparity_min` keeps every pair apart, `graph_cut` adds the likeness to all.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of ``stochastic``.
    similarity
        ``cosine``: (1 + cos) / 2. ``euclidean``: 1 − distance / D, D at least the diameter. ``rbf``:
        exp(−distance² / (0.1 · mean squared distance)). All in ``[0, 1]``, 1 to oneself.
    greedy
        ``lazy`` and ``naive``: exact. ``stochastic``: the best of ⌈(n/k)·ln(1/ε)⌉ random samples a step.
    epsilon
        Of ``stochastic``, in ``(0, 0.5]``.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are what each sample added to f, below zero. Weights are 1. Facts: ``greedy``, ``added``: the sum of
    the gains. A smaller budget is a prefix, except with ``stochastic``.

    Differs: apricot, which has this function, starts with row 0.

    Raises
    ------
    OptionError
        ε is out of range.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Schreiber, Bilmes & Noble, "apricot: Submodular selection for data summarization in Python", JMLR 21,
    2020, arXiv:1906.03543.
    """
    from prune.index.similarity import Similarity
    from prune.optimizers.float64_points import outermost
    from prune.optimizers.pair_sum_greedy import run
    from prune.optimizers.similarity_sums import sums_of_similarities

    free, taken = free_rows(space.n, given, k)
    alike = Similarity(space, similarity)
    function = sums_of_similarities(alike, np.full(space.n, -1.0), -2.0, taken)
    first = None if len(taken) else outermost(alike.space, free)
    rows, gains = run(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken, first=first)
    facts = {"greedy": greedy, "added": float(gains.sum())}
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_sum_redundancy(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `sum_redundancy` needs: products of the picks with all samples."""
    from prune.optimizers.similarity_sums import plan_of_sums

    return plan_of_sums(size, k, options, totals=False)
