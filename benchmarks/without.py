"""What turns a piece off, in a process of its own: the plain way to do the same, put in its place.

Functions are looked up when what calls them is loaded, so these run before anything else of prune is.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def nothing() -> None:
    """Leave all as it is."""


def int8_screening() -> None:
    """Look at all samples in float64 for every pick."""
    from prune.optimizers import batched_greedy

    batched_greedy.codes_fit = lambda function: False  # noqa: ARG005


def random_view_kernels() -> None:
    """Let every draw look at all samples, in numpy."""
    from prune.index import random_view_kernels as kernels

    def play(column: Any, columns: Any, axes: Any, points: Any, rule: Any, totals: Any) -> None:
        wanted = min(rule.redundant, len(totals) - 1)
        for axis, point in zip(axes, points, strict=True):
            view = np.concatenate([column[None], columns[axis]]).astype(np.float64)
            winner = int(np.abs(view - point[:, None]).sum(0).argmin())
            totals[winner] += int(kernels.ONE)
            gaps = np.abs(view - view[:, winner : winner + 1]).sum(0)
            gaps[winner] = np.inf
            near = np.flatnonzero(gaps <= np.partition(gaps, wanted - 1)[wanted - 1])
            least = gaps[near].min()
            part = (least / gaps[near]) ** rule.exponent if least > 0 else (gaps[near] == 0).astype(float)
            totals[near] -= (part / part.sum() * kernels.ONE + 0.5).astype(np.int64)

    kernels.cells_of = lambda column, count: column  # noqa: ARG005
    kernels.play = play


def kl_farthest_kernels() -> None:
    """Let all samples meet every chosen one, in numpy."""
    from prune.index import kl_farthest

    def loop(predictions: Any, k: int, given: Any) -> tuple[Any, Any]:
        assert not len(given)
        both = predictions.take(slice(0, predictions.n)).astype(np.float64)
        shares, logs = both[:, : predictions.c], both[:, predictions.c :]

        def gaps_to(other: Any) -> Any:
            return ((shares - other[: predictions.c]) * (logs - other[predictions.c :])).sum(1) / 2

        rows = [int(gaps_to(kl_farthest.joined(predictions.mean[None])[0]).argmin())]
        nearest = gaps_to(both[rows[0]])
        gains = [float(nearest.max())]
        while len(rows) < k:
            rows.append(int(nearest.argmax()))
            gains.append(float(nearest[rows[-1]]))
            np.minimum(nearest, gaps_to(both[rows[-1]]), out=nearest)
            nearest[rows[-1]] = -1.0
        return np.array(rows), np.array(gains)

    kl_farthest.farthest_by_divergence = loop
