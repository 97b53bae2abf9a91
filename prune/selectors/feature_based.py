"""Feature-based: every coordinate is present among the kept samples, none too often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space
from prune.optimizers.function import QUEUE


def feature_based(
    space: Space,
    /,
    *,
    k: int,
    seed: int,
    concave: Literal["sqrt", "log", "saturated"] = "sqrt",
    saturation: float = 0.1,
    negative: Literal["split", "clip", "refuse"] = "split",
    greedy: Literal["lazy", "naive", "stochastic", "approximate"] = "lazy",
    epsilon: float = 0.1,
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = Σ_f φ(Σ_{j∈S} x_jf)``, φ concave: the more of a coordinate, the less it adds.

    For coordinates that are amounts, zero or more: activations after a ReLU, word counts. f is then monotone
    and submodular, and the greedy choice has at least ``1 − 1/e`` of the best value possible. ``lazy`` takes
    the samples of the plain loop with its gains; ties of different samples go to the lower row, of those that
    coincide to the lowest hash of seed and key.

    Time O(n·d) for a first look at all and as much for the few looked at again at each step; memory O(n + d).
    No pair of samples is ever compared. Gradients are chosen by a sketch of 512 coordinates.

    Good for large data with meaningful coordinates: cheaper than any method on pairs, and it covers every
    feature. Bad for embeddings whose coordinates mean nothing by themselves: a rotation changes the choice.
    Prefers samples of large norm.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of ``stochastic``.
    concave
        φ: ``sqrt`` √x, ``log`` log(1 + x), ``saturated`` min(x, saturation·Σ_{j∈V} x_jf).
    saturation
        In ``(0, 1]``: the share of all there is of a coordinate that is enough.
    negative
        What becomes of negative coordinates: ``split``: x gives two, max(x, 0) and max(−x, 0). ``clip``: they
        count as 0. ``refuse``: an error names the first.
    greedy
        ``lazy`` and ``naive``: exact. ``stochastic``: the best of ⌈(n/k)·ln(1/ε)⌉ random samples a step.
        ``approximate``: takes a sample that has 1 − ε of the largest bound.
    epsilon
        Of ``stochastic`` and ``approximate``, in ``(0, 0.5]``.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are what each sample added to f, at least 0. Weights are 1. Facts: ``greedy``, ``objective``: f(S),
    given samples included, and ``sketch`` where samples are gradients. A smaller budget is a prefix, except
    with ``stochastic``.

    Differs: all coordinates have the weight 1. Negative ones, which the theory does not know, are split.

    Raises
    ------
    OptionError
        An option is out of range, or a coordinate is negative and is to be refused.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Wei, Iyer & Bilmes, "Submodularity in Data Subset Selection and Active Learning", ICML 2015.
    Schreiber, Bilmes & Noble, "apricot: Submodular selection for data summarization in Python", JMLR 21,
    2020, arXiv:1906.03543.
    """
    from prune.optimizers.concave_features import FeatureFunction
    from prune.optimizers.engines import maximise

    _, taken = free_rows(space.n, given, k)
    vectors = space.under("euclidean").coordinates()
    function = FeatureFunction(vectors, concave, saturation=saturation, negative=negative, given=taken)
    rows, gains = maximise(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken)
    facts: dict[str, Any] = {"greedy": greedy, "objective": function.value()}
    if hasattr(space, "factors"):
        facts["sketch"] = vectors.d
    return Selection.of(rows, gains=gains.astype(np.float32), facts=facts)


def plan_of_feature_based(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `feature_based` needs: a look at all samples, then at few."""
    width = 512 if size.gradients else size.width
    looks = size.n * (k if options.get("greedy") == "naive" else 1) + 100.0 * k
    held = QUEUE * size.n + 16 * 4096 * width + (4 * size.n * width if size.gradients else 0)
    return Plan("direct", "sums of coordinates only", held, 10.0 * looks * width)
