"""Disparity sum: the kept samples are far from one another on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space


def disparity_sum(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    metric: Literal["cosine", "euclidean"] = "cosine",
    greedy: Literal["lazy", "naive", "stochastic"] = "lazy",
    epsilon: float = 0.1,
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = Σ_{i<j∈S} dᵢⱼ``: each sample taken is the farthest in sum from those before it.

    The gain of j is ``Σ_{i∈S} dᵢⱼ``. f is supermodular: gains rise, so that lazy evaluation does not apply;
    ``lazy`` and ``naive`` are both the exact loop, the first in batches. For a metric distance the greedy
    choice has at least a quarter of the best value possible. The first sample adds nothing, whichever it is:
    where nothing is given it is the one farthest from the mean. Of equal gains the lower row is taken, of
    samples that coincide the one of the lowest hash of seed and key.

    Time O(n·k·width) in matrix products, memory O(n·192).

    Good for extremes: samples at the rim, of every direction. Bad at everything in the middle, and at
    duplicates at the rim, which are taken together: `disparity_min` keeps every pair apart.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of ``stochastic``.
    metric
        ``cosine``: d = 1 − cos, in ``[0, 2]``; 1 from a sample without a direction. ``euclidean``: ‖x − y‖.
    greedy
        ``lazy`` and ``naive``: exact. ``stochastic``: the best of ⌈(n/k)·ln(1/ε)⌉ random samples a step,
        here without a guarantee. Not ``approximate``: it bounds gains by older ones, and here gains rise.
    epsilon
        Of ``stochastic``, in ``(0, 0.5]``.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are what each sample added to f. Weights are 1. Facts: ``greedy``, ``added``: the sum of the gains.
    A smaller budget is a prefix, except with ``stochastic``.

    Differs: published code starts with row 0.

    Raises
    ------
    OptionError
        ε is out of range.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Ravi, Rosenkrantz & Tayi, "Heuristic and Special Case Algorithms for Dispersion Problems", Oper. Res. 42,
    1994.
    """
    from prune.index.distances import Distances
    from prune.optimizers.float64_points import outermost
    from prune.optimizers.pair_sum_greedy import run
    from prune.optimizers.pair_sums import ProductSums, TableSums

    free, taken = free_rows(space.n, given, k)
    under, n = space.under(metric), space.n
    function: ProductSums | TableSums
    if metric == "cosine":
        function = ProductSums(under, np.zeros(n), np.ones(n), -1.0, taken)
    else:
        distances = Distances(under)
        function = TableSums(
            distances.block,
            np.zeros(n),
            np.zeros(n),
            1.0,
            scale=2 * distances.reach,
            memory=under.memory,
            given=taken,
        )
    first = None if len(taken) else outermost(under, free)
    rows, gains = run(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken, first=first)
    facts = {"greedy": greedy, "added": float(gains.sum())}
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_disparity_sum(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `disparity_sum` needs: products of the picks with all samples."""
    from prune.optimizers.similarity_sums import plan_of_sums

    return plan_of_sums(size, k, options, totals=False)
