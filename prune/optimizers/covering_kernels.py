"""The inner loops of covering: exact gains, lowered wherever a target has come nearer."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled


@compiled
def start_dense(levels: Array, caps: Array, weights: Array, gains: Array) -> None:
    """Add weight · max(cap − level, 0) over all targets."""
    for i in range(len(levels)):
        row, cap, weight = levels[i], caps[i], weights[i]
        for j in range(len(gains)):
            gains[j] += weight * np.int64(max(cap - row[j], np.int32(0)))


@compiled
def add_dense(levels: Array, chosen: int, current: Array, weights: Array, gains: Array) -> None:
    """Lower the targets that `chosen` is nearer to, and take off every gain what it cannot bring any more."""
    for i in range(len(levels)):
        new, old = levels[i, chosen], current[i]
        if new >= old:
            continue
        current[i] = new
        row, weight = levels[i], weights[i]
        for j in range(len(gains)):
            gains[j] -= weight * np.int64(max(old - max(row[j], new), np.int32(0)))


@compiled
def start_sparse(rows: Array, levels: Array, caps: Array, weights: Array, gains: Array) -> None:
    """Do as `start_dense`, over the nearest samples of each target."""
    for i in range(len(rows)):
        for e in range(rows.shape[1]):
            gains[rows[i, e]] += weights[i] * np.int64(caps[i] - levels[i, e])


@compiled
def add_sparse(
    rows: Array, levels: Array, near: tuple[Array, Array], current: Array, weights: Array, gains: Array
) -> None:
    """Do as `add_dense`; `near` are the targets of the chosen sample, and its distances to them."""
    targets, distances = near
    for q in range(len(targets)):
        i, new = targets[q], distances[q]
        old = current[i]
        if new >= old:
            continue
        current[i] = new
        for e in range(rows.shape[1]):
            level = levels[i, e]
            if level >= old:
                break
            gains[rows[i, e]] -= weights[i] * np.int64(old - max(level, new))


@compiled
def largest(gains: Array, maxima: Array, span: int) -> int:
    """Return the first row of the largest gain; `maxima` of spans are bounds from above, tightened here."""
    while True:
        block = int(np.argmax(maxima))
        start = block * span
        best = start + int(np.argmax(gains[start : start + span]))
        if gains[best] == maxima[block]:
            return best
        maxima[block] = gains[best]
