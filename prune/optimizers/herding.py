"""Herding as greedy on inner products: ``argmin ‖(t+1)μ − Σ_S − x‖² = argmax 2⟨(t+1)μ − Σ_S, x⟩ − ‖x‖²``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import EmbeddingSpace, Space, Sums
from prune.optimizers.batched_greedy import follow
from prune.optimizers.float64_points import point
from prune.optimizers.pair_sums import ProductSums


@dataclass(frozen=True)
class Herd:
    """k samples, and how far the mean of the taken was from that of all."""

    rows: Rows  # (k,), in the order taken
    distances: Sums  # (k + 1,), before the first and after each
    mean_norm: float


def herd(space: Space, k: int, given: Rows) -> Herd:
    """Take k samples, each bringing the mean of the taken nearest to the mean of all.

    Vectors are moved to their mean first: where that is far off, sums of many would have no digits left for
    what they differ by.
    """
    mean = space.sum() / space.n
    moved = space.around(mean) if isinstance(space, EmbeddingSpace) else space
    centre = moved.sum() / space.n
    along = moved.dot(centre)
    base = 2 * along - moved.squared_norms()
    function = ProductSums(moved, base, 2 * along, -2.0, given, centred=True)
    missing = function.total.copy()  # Σ_S x − t·μ
    rows, _ = follow(function, k, given)
    distances = np.empty(k + 1)
    distances[0] = np.linalg.norm(missing) / len(given) if len(given) else np.linalg.norm(mean)
    for t, row in enumerate(rows.tolist(), 1):
        missing += point(moved, row)
        missing -= centre
        distances[t] = np.linalg.norm(missing) / (len(given) + t)
    return Herd(rows, distances, float(np.linalg.norm(mean)))
