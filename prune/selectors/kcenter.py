"""k-center: samples spread so that none of the others is far from the nearest of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space


def kcenter(
    space: Space,
    /,
    *,
    k: int,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    given: Rows | None = None,
    among: Rows | None = None,
) -> Selection:
    """Greedy farthest-first: each sample taken is the farthest from all taken before.

    The covering radius is at most twice the best possible for k centres. Exact: distances are float64 sums of
    squared differences, ties of different samples go to the lower row, and samples that coincide with a
    centre are taken last, drawn by the hash of seed and key. Time O(n·k·d) in matrix products, or far less on
    clustered data; memory O(n) beyond the space.

    Good for covering everything there is, the rare included, and for spreading a small budget; bad on noisy
    data, since the farthest samples are the outliers and the wrong labels (`--drop-hardest` first), and below
    some per cent kept, where it takes nothing from the dense middle.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    metric
        ``euclidean``, or ``cosine``: the Euclidean distance of the embeddings divided by their norms.
    given
        Positions of samples that are centres already; they are not taken again. Without any, the first taken
        is the sample nearest to the mean.
    among
        Positions that may be chosen, where not all may, and the sample nearest to the mean of all: the others
        count for nothing.

    Returns
    -------
    Gains are the distances at which the samples were taken, which never rise; that of the first, if nothing
    was given, is the distance of the sample farthest from it. Weights are 1.

    Raises
    ------
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Gonzalez, "Clustering to minimize the maximum intercluster distance", Theor. Comput. Sci. 38, 1985.
    Sener & Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR 2018,
    arXiv:1708.00489.
    """
    from prune.index.farthest import farthest_first, nearest_to_mean
    from prune.index.given import taking_part

    centres = None if given is None or not len(given) else np.unique(np.asarray(given, np.int64))
    if centres is not None and not 0 <= centres[0] <= centres[-1] < space.n:
        raise ValueError(
            f"given positions span [{centres[0]}, {centres[-1]}], but there are {space.n} samples"
        )
    free = space.n - (0 if centres is None else len(centres))
    if not 1 <= k <= free:
        raise ValueError(f"cannot keep {k} of {free} samples")
    if among is not None:
        start = [nearest_to_mean(space.under(metric))] if centres is None else centres
        both, own = taking_part(space.n, np.asarray(start), among)
        some = space.under(metric).subset(both)
        rows, gains = (
            farthest_first(some, k, first=int(own[0])) if centres is None else farthest_first(some, k, own)
        )
        return Selection.of(both[rows], gains=gains.astype(np.float32))
    rows, gains = farthest_first(space.under(metric), k, centres)
    return Selection.of(rows, gains=gains.astype(np.float32))


def plan_of_kcenter(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """A few numbers a sample, and products of a block of rows with up to 256 new centres."""
    del options
    scratch = 64 * size.n + 4 * 4096 * (256 + 2 * size.width) + 4 * 1024 * (1024 + size.width)
    if size.gradients:
        scratch += 8 * 4096 * 256
    why = f"{k:,} centres meet {size.n:,} samples, at most 256 at a time"
    return Plan("direct", why, scratch, 2.0 * size.n * k * size.width)
