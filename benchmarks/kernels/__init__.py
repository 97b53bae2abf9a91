"""The kernels that are compared: each makes, at a size, the programs that do the same work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from measure import Case

from kernels.divergence import gio
from kernels.gradients import craig, glister, gradmatch
from kernels.neighbours import clusters, d2, neighbours, semdedup, zcore
from kernels.spread import contextual_diversity, herding, kcenter
from kernels.submodular import facility_dense, facility_location, facility_sparse
from kernels.variety import (
    disparity_min,
    disparity_sum,
    feature_based,
    graph_cut,
    log_det,
    saturated_coverage,
    sum_redundancy,
)


@dataclass(frozen=True)
class Kernel:
    """How to make a case, and the size that the benchmark takes unless told another."""

    make: Callable[[int, int], Case]  # n, d
    n: int
    d: int = 512


KERNELS = {
    "kcenter": Kernel(kcenter, 20_000),
    "herding": Kernel(herding, 20_000),
    "contextual_diversity": Kernel(contextual_diversity, 20_000, 10),
    "facility_location": Kernel(facility_location, 5_000),
    "facility_dense": Kernel(facility_dense, 5_000),
    "facility_sparse": Kernel(facility_sparse, 5_000),
    "graph_cut": Kernel(graph_cut, 5_000),
    "log_det": Kernel(log_det, 2_000),
    "disparity_min": Kernel(disparity_min, 2_000),
    "disparity_sum": Kernel(disparity_sum, 2_000),
    "saturated_coverage": Kernel(saturated_coverage, 2_000),
    "sum_redundancy": Kernel(sum_redundancy, 2_000),
    "feature_based": Kernel(feature_based, 20_000),
    "gradmatch": Kernel(gradmatch, 2_000),
    "craig": Kernel(craig, 2_000),
    "glister": Kernel(glister, 1_000),
    "gio": Kernel(gio, 1_000, 768),
    "neighbours": Kernel(neighbours, 20_000),
    "clusters": Kernel(clusters, 20_000),
    "semdedup": Kernel(semdedup, 20_000),
    "d2": Kernel(d2, 5_000),
    "zcore": Kernel(zcore, 10_000),
}
