"""Orders of a pool by how well it matches a target, and the KL divergence after every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.index.divergence import FLOOR, OWN, DivergenceTarget, log_distances, log_radius, potentials
from prune.index.neighbours import nearest, nearest_to
from prune.index.space import Sums
from prune.optimizers.covering import AllDistances, Cover, Levels, NearestDistances, cover

ROWS = 64  # of all distances, at a time
UNIT = 2.0**-24  # of log-distances that are whole numbers; float32 knows them no better


@dataclass(frozen=True)
class MatchingRun:
    """Samples in the order taken, and the divergence after each."""

    rows: Rows
    curve: Sums
    before: float  # infinite where nothing is chosen at first
    facts: dict[str, Any]


def modular(aim: DivergenceTarget, given: Rows, noise: Rows, neighbours: int) -> MatchingRun:
    """All samples by rising φ, ties by lower row.

    ``KL(W) = d·mean_{w ∈ W} φ(w) − d·mean ln ρ + mean_{l=1…m} ln(neighbours·m / (l·(t − 1)))``, the estimate
    of Wang, Kulkarni & Verdú averaged over every order l of the neighbour in W: then no term is left that
    two samples share.

    Parameters
    ----------
    given, noise
        Samples in W before the first; given ones are not taken, and noise is only there if none are given.
    """
    phi, floored = potentials(aim)
    known = given if len(given) else noise
    order = np.argsort(phi, kind="stable")
    order = order[~np.isin(order, given)]
    w, t = len(known), aim.space.n
    count = np.arange(1, w + len(order) + 1, dtype=np.float64)
    means = np.cumsum(np.concatenate([phi[known], phi[order]])) / count
    orders = np.log(count) - np.cumsum(np.log(count)) / count + np.log(neighbours / max(t - 1, 1))
    curve = aim.dimensions * (means - log_radius(aim, neighbours)) + orders
    before = float(curve[w - 1]) if w else np.inf
    facts = {"estimator": "all orders", "modular": True, "floored": floored, "start": len(noise)}
    return MatchingRun(order, curve[w:], before, facts)


def covering(
    aim: DivergenceTarget, given: Rows, k: int | None, listed: int | None, last: Rows
) -> MatchingRun:
    """Greedy facility location with −ln distance: ``KL(W) = d·mean ln(ν / ρ₁) + ln(m / (t − 1))``.

    Parameters
    ----------
    k
        How many; None: until no sample brings any target nearer.
    listed
        How many of the nearest samples of each target are looked at; None: all. A target that none of those
        chosen is listed for counts as if it had one a hair beyond the last of its list.
    last : (n,)
        The pool, in the order in which samples follow that are near to no target.
    """
    weights = _units(aim.weights)
    levels = _all_levels(aim) if listed is None else _nearest_levels(aim, listed)
    found = cover(levels, weights, k or aim.pool.n - len(given), given, last, again=k is not None)
    w = len(given)
    constant = aim.dimensions * log_radius(aim, 1) + np.log(max(aim.space.n - 1, 1))
    per_unit = aim.dimensions * UNIT / float(weights.sum())
    count = np.arange(w + 1, w + len(found.rows) + 1)
    curve = np.array(found.totals, np.float64) * per_unit - constant + np.log(count)
    before = np.inf if found.before is None else found.before * per_unit - constant + np.log(w)
    return MatchingRun(np.array(found.rows, np.int64), curve, before, _facts(found, listed))


def _facts(found: Cover, listed: int | None) -> dict[str, Any]:
    return {
        "estimator": "nearest",
        "modular": False,
        "mode": "dense" if listed is None else "sparse",
        "listed": listed,
        "layers": found.layers,
        "uncovered": found.uncovered,
        "filled": found.filled,
        "filled_by": "drawn by seed and key",
    }


def _all_levels(aim: DivergenceTarget) -> Levels:
    levels = np.empty((aim.space.n, aim.pool.n), np.int32)
    log_distances(aim, levels, UNIT)
    largest = 0
    for start in range(0, len(levels), ROWS):
        some = levels[start : start + ROWS]
        largest = max(largest, int(some.max(initial=0, where=some != OWN)))
    return AllDistances(levels, largest)


def _nearest_levels(aim: DivergenceTarget, count: int) -> Levels:
    found = nearest(aim.pool, count) if aim.same else nearest_to(aim.space, aim.pool, count)
    logs = np.log(np.maximum(found.squares, np.float32(FLOOR))) * np.float32(0.5 / UNIT)
    return NearestDistances(found.rows, np.rint(logs).astype(np.int32), aim.pool.n)


def _units(weights: Sums) -> npt.NDArray[np.int64]:
    """Whole weights, 1 if all are equal, else at most 2³⁰ in all, and none of nothing but 0."""
    if (weights == weights[0]).all():
        return np.ones(len(weights), np.int64)
    scaled = weights * (2.0**29 / weights.sum())
    return np.where(weights > 0, np.maximum(np.rint(scaled), 1), 0).astype(np.int64)
