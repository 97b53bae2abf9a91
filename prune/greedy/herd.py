"""Herding as greedy on inner products: ``argmin ‖(t+1)μ − Σ_S − x‖² = argmax 2⟨(t+1)μ − Σ_S, x⟩ − ‖x‖²``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.arrays import Rows
from prune.greedy.follow import follow
from prune.greedy.sums import ProductSums
from prune.index.space import Space, Sums


@dataclass(frozen=True)
class Herd:
    """k samples, and how far the mean of the taken was from that of all."""

    rows: Rows  # (k,), in the order taken
    distances: Sums  # (k + 1,), before the first and after each
    mean_norm: float


def herd(space: Space, k: int, given: Rows) -> Herd:
    """Take k samples, each bringing the mean of the taken nearest to the mean of all."""
    mean = space.sum() / space.n
    along = space.dot(mean)
    function = ProductSums(space, 2 * along - space.squared_norms(), 2 * along, -2.0, given, centred=True)
    missing = -function.total  # t·μ − Σ_S
    square, dot = float(np.vdot(missing, missing)), float(np.vdot(missing, mean))
    norm = float(np.vdot(mean, mean))
    rows, scores = follow(function, k, given)
    before = np.cumsum(np.concatenate([[dot], norm - along[rows]]))[:-1]
    squares = np.cumsum(np.concatenate([[square], 2 * before + norm - scores]))
    t = np.arange(len(given), len(given) + k + 1)
    distances = np.sqrt(np.maximum(squares, 0)) / np.maximum(t, 1)
    if not len(given):
        distances[0] = np.sqrt(norm)
    return Herd(rows, distances, float(np.sqrt(norm)))
