"""Facility location between two sets: samples of a pool chosen so that each of a target has one near.

Distances are whole multiples of a unit, so gains are exact whatever the order they are added in: each is what
the sample would take off the target's distances now, and no gain is ever computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from prune.core.arrays import Array, Rows
from prune.optimizers import covering_kernels as kernels

SPAN = 1024  # samples whose largest gain is remembered together


class Levels(Protocol):
    """Distances of t targets to n samples, in units."""

    t: int
    n: int

    def caps(self) -> Array:
        """(t,) int32 what a target counts as that none of the chosen is near to: more than any distance."""

    def start(self, caps: Array, weights: Array) -> Array:
        """(n,) int64 gain of every sample where none is chosen."""

    def add(self, row: int, current: Array, weights: Array, gains: Array) -> None:
        """Lower `current` to the distances of a sample, and the gains accordingly."""


class AllDistances:
    """All distances, (t, n) int32; what is larger than a cap is no distance."""

    def __init__(self, levels: Array, largest: int) -> None:
        self.levels = levels
        self.t, self.n = levels.shape
        self._largest = largest

    def caps(self) -> Array:
        """One for all: one unit more than the largest distance."""
        return np.full(self.t, self._largest + 1, np.int32)

    def start(self, caps: Array, weights: Array) -> Array:
        """(n,) gains at the caps."""
        gains = np.zeros(self.n, np.int64)
        kernels.start_dense(self.levels, caps, weights, gains)
        return gains

    def add(self, row: int, current: Array, weights: Array, gains: Array) -> None:
        """Lower by a sample: a pass over the row of each target that it brings nearer."""
        kernels.add_dense(self.levels, row, current, weights, gains)


class NearestDistances:
    """The distances of each target to its nearest samples, in compressed rows and columns.

    Parameters
    ----------
    rows, levels : (t, count)
        Samples, and their distances, which never fall along a row.
    n
        Samples in the pool.
    """

    def __init__(self, rows: Rows, levels: Array, n: int) -> None:
        self.t, self.n = len(rows), n
        self.rows, self.levels = rows.astype(np.int32), levels
        order = np.argsort(rows.ravel(), kind="stable")
        self._targets = (order // rows.shape[1]).astype(np.int32)
        self._of_targets = levels.ravel()[order]
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(rows.ravel(), minlength=n))])

    def caps(self) -> Array:
        """One unit more than the last distance of each."""
        return self.levels[:, -1] + np.int32(1)

    def start(self, caps: Array, weights: Array) -> Array:
        """(n,) gains at the caps."""
        gains = np.zeros(self.n, np.int64)
        kernels.start_sparse(self.rows, self.levels, caps, weights, gains)
        return gains

    def add(self, row: int, current: Array, weights: Array, gains: Array) -> None:
        """Lower by a sample: each target that it brings nearer goes through its nearer samples."""
        span = slice(self._starts[row], self._starts[row + 1])
        near = self._targets[span], self._of_targets[span]
        kernels.add_sparse(self.rows, self.levels, near, current, weights, gains)


@dataclass
class Cover:
    """What was chosen, and how the target's distances fell."""

    rows: list[int] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)  # Σ weight · distance after each, in units
    layers: int = 1
    filled: int = 0  # chosen in the order of `last`, since none was left that is near to any target
    uncovered: int = 0  # targets that none of the chosen is near to
    before: int | None = None  # Σ weight · distance of the given samples


def cover(levels: Levels, weights: Array, k: int, given: Rows, last: Rows, *, again: bool) -> Cover:
    """Choose up to k samples, each the one that takes most off ``Σᵢ weightᵢ · min_{j chosen} levelᵢⱼ``.

    When no sample takes anything off, the target is covered. Then, if `again`, what is chosen is forgotten
    and the rest of the pool covers the target once more, a layer after another, so that each target gets
    its second nearest, its third nearest, …; once none is near to any target, the others follow
    in the order of `last`.

    Time about seven passes over the levels a layer, memory O(n + t) beyond them. Ties to the lower row.

    Parameters
    ----------
    weights : (t,) int64
        At least 0, at most 2³⁰ in all.
    k
        At least 1, at most n − given.
    given
        Samples that are chosen already.
    last : (n,)
        All samples, in the order in which those follow that bring nothing nearer.
    again
        Whether to go on after the first layer.
    """
    state = _State(levels, weights)
    found = Cover()
    for row in given.tolist():
        state.take(row)
    total = state.total()
    found.before = total if len(given) else None
    nearest = state.current  # of the first layer, which all later ones leave as they are
    fresh = False
    while len(found.rows) < k:
        row, gain = state.next()
        if gain <= 0 and (fresh or not again):
            break
        if gain <= 0:
            found.layers += 1
            state.forget()
            fresh = True
            continue
        fresh = False
        state.take(row)
        found.rows.append(row)
        total -= gain if found.layers == 1 else 0
        found.totals.append(total)
    rest = last[~state.taken[last]][: (k if again else max(len(found.rows), 1)) - len(found.rows)]
    found.filled = len(rest)
    found.rows += rest.tolist()
    found.totals += [total] * len(rest)
    found.uncovered = int((nearest >= levels.caps()).sum())
    return found


class _State:
    def __init__(self, levels: Levels, weights: Array) -> None:
        self.levels, self.weights = levels, weights
        self.taken = np.zeros(levels.n, bool)
        self.forget()

    def forget(self) -> None:
        self.current = self.levels.caps()
        self.gains = self.levels.start(self.current, self.weights)
        self.gains[self.taken] = -1
        padded = np.pad(self.gains, (0, -len(self.gains) % SPAN), constant_values=-1)
        self.maxima = padded.reshape(-1, SPAN).max(axis=1)

    def next(self) -> tuple[int, int]:
        row = int(kernels.largest(self.gains, self.maxima, SPAN))
        return row, int(self.gains[row])

    def take(self, row: int) -> None:
        self.levels.add(row, self.current, self.weights, self.gains)
        self.gains[row] = -1
        self.taken[row] = True

    def total(self) -> int:
        return int(self.weights @ self.current.astype(np.int64))
