"""Herding: the mean of the kept samples stays as near as possible to the mean of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.selection import Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space


def herding(
    space: Space,
    /,
    *,
    k: int,
    metric: Literal["euclidean", "cosine"] = "euclidean",
    given: Rows | None = None,
) -> Selection:
    """Each sample, ``argminⱼ ‖(t+1)μ − Σ_S − xⱼ‖``, brings the mean of the taken nearest to that of all.

    Exact: the samples of the plain loop in float64; ties of different samples go to the lower row, of those
    that coincide to the lowest hash of seed and key. No sample is taken twice. Time O(n·k·width), most of it
    products of small integers where samples are vectors; memory O(n·(d + 200)) bytes.

    Good for training on means: a small budget has nearly the mean of the whole, far nearer than random. Bad
    at coverage: nothing but the mean counts, rare groups and the spread are missed; the mean of a dataset of
    many classes says little, so split the budget with `--quota`. Later samples mend what earlier ones left,
    so the order means little beyond the first.

    Parameters
    ----------
    space
        n samples.
    k
        In ``[1, n]``, less the given samples.
    metric
        ``euclidean``: samples as they are; ``cosine``: divided by their norms.
    given
        Positions of samples that count as taken from the start, and are not returned.

    Returns
    -------
    Gains are how much nearer each sample brought the mean of the taken to the mean of all (negative where it
    moved away); the mean of no samples is 0. Weights are 1. Facts: ``distance``: ‖mean(S) − μ‖ at the end,
    ``mean_norm``: ‖μ‖.

    Differs: Welling's herding may take a sample again; this is the form of iCaRL. DeepCore takes the sample
    that brings the mean farthest, which is a mistake.

    Raises
    ------
    ValueError
        k is not in ``[1, n − given]``, or a given position is not in ``[0, n)``.

    References
    ----------
    Welling, "Herding Dynamical Weights to Learn", ICML 2009.
    Rebuffi et al., "iCaRL: Incremental Classifier and Representation Learning", CVPR 2017, arXiv:1611.07725.
    """
    from prune.optimizers.herding import herd

    _, taken = free_rows(space.n, given, k)
    found = herd(space.under(metric), k, taken)
    steps = -np.diff(found.distances)
    facts = {"distance": float(found.distances[-1]), "mean_norm": found.mean_norm}
    return Selection.of(found.rows, gains=steps.astype(np.float32), facts=facts)


def plan_of_herding(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001
    """Return what `herding` needs: a pass over the samples for each pick."""
    held = int(size.n * (200 if size.gradients else 200 + size.width) + 2**27)
    why = "one product with all samples a pick"
    return Plan("direct", why, held, 2.0 * size.n * size.width * k)
