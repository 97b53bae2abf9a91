"""CRAIG: samples whose gradients stand for those around them, each weighted by how many those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space
from prune.optimizers.facility_plan import Ways, facility_plan
from prune.selectors.exhausted_gains import drawn_rest


def craig(
    space: Space,
    keys: Sequence[str],
    /,
    *,
    k: int,
    seed: int,
    mode: Literal["auto", "dense", "sparse", "partitioned"] = "auto",
    neighbours: int = 64,
    given: Rows | None = None,
    among: Rows | None = None,
) -> Selection:
    """Least ``Σᵢ min_{j∈S} ‖gᵢ − gⱼ‖``, greedily, with the sizes of the clusters as weights.

    The sum bounds how far the weighted sum of the chosen gradients is from the sum of all. Greedy for
    ``f(S) = Σᵢ max_{j∈S} (1 − ‖gᵢ − gⱼ‖ / D)``, with D at least the largest distance; the search, its modes
    and their cost are those of `facility_location`. Time O(n²·width) for a class of n samples, and
    O(n·k·width) for the weights; memory 4·n² bytes while all similarities fit. Gradients are never formed.

    Good for training on a weighted subset with the model whose gradients these are: use it with
    ``--on gradients``; the default quota goes class by class. Bad when it comes late in training, where the
    gradients of most samples are near zero and nearly alike; and where the weights are thrown away, for then
    large clusters count as much as small ones.

    Parameters
    ----------
    space
        n gradients, or any other samples.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, less the given samples.
    seed
        Of the search for neighbours where that is approximate, of random parts, and of the draw
        once no sample adds anything.
    mode, neighbours
        As for `facility_location`.
    given
        Positions of samples that are chosen already: what is nearest to one of them counts for it, and for no
        other.
    among
        Positions that may be chosen, where not all may: the others are only what is to be represented.

    Returns
    -------
    Weights are whole numbers, at least 1: how many samples are nearest to this one among the chosen; each
    chosen sample counts for itself, other ties go to the sample taken earlier. They sum to n, less what
    belongs to given samples. Gains are what each sample added to f. Facts: those of `facility_location`,
    and `filled`: how many were drawn by the hash of seed and key, since no sample added anything any more.

    Differs: distances are not squared, as in the paper's bound and unlike some published code. Weights sum
    to n, where published code counts each chosen sample twice. The paper's algorithm stops at a given error;
    here k is given.

    Raises
    ------
    OptionError
        `neighbours` is below 1, or the mode does not fit in memory.
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Mirzasoleiman, Bilmes & Leskovec, "Coresets for Data-efficient Training of Machine Learning Models", ICML
    2020, arXiv:1906.01827.
    """
    from prune.index.similarity import Similarity
    from prune.optimizers.facility import locate
    from prune.optimizers.reweight import reweighted

    free, taken = free_rows(space.n, given, k)
    similarity = Similarity(space, "euclidean")
    found = locate(similarity, k, Ways(mode=mode, neighbours=neighbours, seed=seed), taken, among)
    chosen = Selection.of(found.rows, found.gains.astype(np.float32), facts=found.facts)
    chosen = drawn_rest(chosen, free, lambda rows: [keys[row] for row in rows], seed)
    weights = reweighted(similarity.space, np.concatenate([taken, chosen.rows]), "cluster")[len(taken) :]
    return Selection.of(chosen.rows, chosen.gains, weights, chosen.facts)


def plan_of_craig(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    """Return what `craig` needs: facility location, and one more pass over all pairs of sample and chosen."""
    named = {name: options[name] for name in ("mode", "neighbours") if name in options}
    plan = facility_plan(size, k, Ways(**named))
    return Plan(plan.mode, plan.why, plan.bytes, plan.work + 2.0 * size.n * k * size.width)
