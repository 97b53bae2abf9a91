"""Disparity min: the two nearest of the kept samples are as far apart as possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space


def disparity_min(
    space: Space,
    /,
    *,
    k: int,
    metric: Literal["cosine", "euclidean"] = "cosine",
    given: Rows | None = None,
) -> Selection:
    """Greedy for ``f(S) = min_{i≠j∈S} dᵢⱼ``: each sample taken is the farthest from the nearest before it.

    f only falls as S grows, and is not submodular; farthest-first is the greedy choice, and has at least half
    of the best value possible, from any start. Where nothing is given it starts at the rim, with the sample
    farthest from the mean. Exact; ties of different samples go to the lower row, and those that coincide with
    a taken one come last, drawn by the hash of seed and key. It is `kcenter` but for the start, which is the
    middle there: the same loop serves to keep samples apart and to leave none far away.

    Time O(n·k·width) in matrix products, less on clustered data; memory O(n).

    Good for variety: no two kept samples are near one another, duplicates least of all. Bad where there are
    outliers and mislabelled samples, which it takes first, and at keeping the density: a region of a million
    samples gets as few as one of ten that is as wide.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    metric
        ``cosine``: the distance of the samples divided by their norms, √(2 − 2·cos); the order is that of
        1 − cos. ``euclidean``: ‖x − y‖.
    given
        Positions of samples that are in S from the start, and are not returned.

    Returns
    -------
    Gains are the distances to the nearest sample taken before: the value of f after each step, as long as it
    has been falling from the start, which it has unless given samples are nearer to each other. The first, if
    nothing was given, has the distance of the sample farthest from it. Weights are 1. A smaller budget is a
    prefix.

    Raises
    ------
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Ravi, Rosenkrantz & Tayi, "Heuristic and Special Case Algorithms for Dispersion Problems", Oper. Res. 42,
    1994.
    Gonzalez, "Clustering to minimize the maximum intercluster distance", Theor. Comput. Sci. 38, 1985.
    """
    from prune.index.farthest import farthest_first
    from prune.optimizers.float64_points import outermost

    free, taken = free_rows(space.n, given, k)
    under = space.under(metric)
    if len(taken):
        rows, gaps = farthest_first(under, k, taken)
    elif space.n == 1:
        rows, gaps = free, np.zeros(1)
    else:
        start = np.array([outermost(under, free)])
        rows, gaps = farthest_first(under, max(k - 1, 1), start)
        rows, gaps = np.append(start, rows)[:k], np.append(gaps[:1], gaps)[:k]
    return Selection.of(rows, gains=gaps.astype(np.float32))


def plan_of_disparity_min(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001
    """Return what `disparity_min` needs: products of batches of picks with all samples."""
    held = 48 * size.n + 2**26
    return Plan("direct", "distances to the nearest pick only", held, 2.0 * size.n * size.width * k)
