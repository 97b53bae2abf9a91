"""Orthogonal matching pursuit: few samples whose weighted sum is a given vector, nearly.

Take the atom that correlates most with what is left, fit all weights anew, subtract, repeat. With all inner
products in memory a step costs O(m·t) for t of m atoms (`AllProducts`); without them, a pass over the samples
(`Direct`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import Sums, Vector
from prune.optimizers.pursuit_atoms import Atoms
from prune.optimizers.pursuit_fit import Fit, empty_fit, refit, rejoin

NOISE = 1e-9  # of the largest correlation with b: what is smaller is rounding
EQUAL = 1e-12  # of it: correlations that differ by less are the same, whatever the order of their sums
SLACK = 1e-13  # of ‖b‖²: what ‖residual‖² may be off by
WEAKEST = 1e-10  # of the mean squared norm: a ridge below it is none


class CorrelationSource(Protocol):
    """Where the correlations of all atoms come from."""

    right: Sums  # (m,) ⟨aᵢ, b⟩
    goal: float  # ‖b‖²
    squares: Sums  # (m,) ‖aᵢ‖²

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) inner products of an atom with others."""

    def correlations(self, atoms: Rows, weights: Sums) -> Sums:
        """(m,) inner products of all atoms with ``b − Σ wⱼ aⱼ``; the atoms of the call before come first."""


class AllProducts:
    """All inner products, computed once. Memory 8·(m² + m·t) bytes."""

    def __init__(self, atoms: Atoms, target: Vector | None, most: int) -> None:
        self._gram = atoms.gram()
        self.squares = self._gram.diagonal()
        every = np.arange(len(atoms))
        self.right = self._gram.sum(1) if target is None else atoms.exact_dot(every, target)
        self.goal = float(self.right.sum()) if target is None else float(np.vdot(target, target))
        self._chosen, self._met = np.empty((most, len(atoms))), 0

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) inner products of an atom with others."""
        return self._gram[atom, others]

    def correlations(self, atoms: Rows, weights: Sums) -> Sums:
        """(m,) inner products of all atoms with the residual."""
        t = len(atoms)
        self._chosen[self._met : t] = self._gram[atoms[self._met :]]
        self._met = t
        return self.right - weights @ self._chosen[:t]


class Direct:
    """Nothing but the residual itself, a point of the space. Memory O(m + c·d)."""

    def __init__(self, atoms: Atoms, target: Vector | None) -> None:
        self._atoms = atoms
        self._target = atoms.space.sum() if target is None else target
        self.squares = atoms.squared_norms()
        self.right = atoms.dot(self._target)
        self.goal = float(np.vdot(self._target, self._target))

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) inner products of an atom with others."""
        return self._atoms.products(atom, others)

    def correlations(self, atoms: Rows, weights: Sums) -> Sums:
        """(m,) inner products of all atoms with the residual."""
        return self._atoms.dot(self._target - self._atoms.sum(atoms, weights))


@dataclass
class Pursued:
    """What a pursuit found."""

    atoms: Rows  # (t,), in the order taken
    weights: Sums  # (t,), at least 0
    drops: Sums  # (t,), of ‖residual‖² as a part of ‖b‖²; never negative
    error: float  # ‖residual‖²
    stop: str  # why it ended: budget, tolerance, or exhausted
    ridge: float  # under which the weights are optimal
    lowered: int  # how often it was halved
    fit: Fit  # inner products of the atoms with each other and with b


def pursue(
    source: CorrelationSource, sizes: Rows, k: int, ridge: float, tolerance: float, given: Rows | None = None
) -> Pursued:
    """Choose atoms of k samples or more, and ``w ≥ 0`` with the least ``‖b − Σ wⱼ aⱼ‖² + ridge·‖w‖²``.

    The residual never rises: where the ridge would make it, by spreading the weight, the ridge is halved, for
    this step and all later ones, until it does not.

    Parameters
    ----------
    source
        Correlations of m atoms with the vector to match and with what is left of it.
    sizes : (m,)
        Samples in each atom.
    k
        At most ``Σ sizes``, less those given.
    ridge
        At least 0, in units of ‖a‖².
    tolerance
        Stop when ``‖residual‖ ≤ tolerance·‖b‖``.
    given
        Atoms that are there from the start; their samples do not count for k. They come first in the result,
        and their drops are that of all of them, and zeros.
    """
    chase = _Chase(source, sizes, most_atoms(len(sizes), k, int(sizes.max())), ridge, given)
    held, stop = 0, "budget"
    while held < k:
        atom = chase.best()
        if chase.error <= tolerance**2 * source.goal or atom < 0:
            stop = "tolerance" if chase.error <= tolerance**2 * source.goal else "exhausted"
            break
        chase.take(np.array([atom]))
        held += int(sizes[atom])
    return chase.found(stop)


class _Chase:
    def __init__(
        self, source: CorrelationSource, sizes: Rows, most: int, ridge: float, given: Rows | None
    ) -> None:
        first = np.empty(0, np.int64) if given is None else given
        self.source, self.ridge, self.lowered = source, ridge, 0
        self.least = NOISE * float(source.right.max(initial=0.0))
        self.weakest = WEAKEST * float(source.squares.mean())
        self.fit = empty_fit(most + len(first))
        self.chosen, self.free = np.empty(most + len(first), np.int64), np.ones(len(sizes), np.bool_)
        self.weights, self.drops = np.zeros(len(self.chosen)), np.zeros(len(self.chosen))
        self.left, self.error, self.count = source.right, source.goal, 0
        self.stale = False
        if len(first):
            self.take(first)

    def best(self) -> int:
        """Return the atom that correlates most with what is left, ties by lower row, or -1 if none does."""
        if self.stale:
            self.left = self.source.correlations(self.chosen[: self.count], self.weights[: self.count])
            self.stale = False
        left = np.where(self.free, self.left, -np.inf)
        atom = int(np.argmax(left >= left.max() - EQUAL / NOISE * self.least))
        return atom if self.free[atom] and self.left[atom] > self.least else -1

    def take(self, atoms: Rows) -> None:
        """Let atoms join, and fit all weights anew."""
        start = self.count
        for atom in atoms.tolist():
            t = self.count
            self.chosen[t], self.free[atom] = atom, False
            row = self.source.products(atom, self.chosen[: t + 1])
            self.fit.gram[t, : t + 1] = self.fit.gram[: t + 1, t] = row
            self.fit.right[t] = self.source.right[atom]
            self.count += 1
        after = self._refitted()
        while after > self.error + SLACK * self.source.goal and self.ridge > 0:
            self.ridge = self.ridge / 2 if self.ridge > self.weakest else 0.0
            self.lowered += 1
            rejoin(self.fit, self.count, self.ridge)
            after = self._refitted()
        if after <= self.error + SLACK * self.source.goal:
            self.weights[: self.count] = self.fit.weights[: self.count]
            self.drops[start] = max(self.error - after, 0.0) / self.source.goal
            self.error = after
        self.stale = True

    def found(self, stop: str) -> Pursued:
        """Return what is chosen so far."""
        t = self.count
        parts = self.chosen[:t], self.weights[:t], self.drops[:t], self.error
        return Pursued(*parts, stop, self.ridge, self.lowered, self.fit)

    def _refitted(self) -> float:
        """‖residual‖² at the optimum."""
        refit(self.fit, self.count, self.ridge, self.least)
        weights, right = self.fit.weights[: self.count], self.fit.right[: self.count]
        error = self.source.goal - float(weights @ right) - self.ridge * float(weights @ weights)
        return max(error, 0.0)


def most_atoms(m: int, k: int, batch: int) -> int:
    """How many of m atoms of `batch` samples k samples can take; one of them may be smaller."""
    return min(m, -(-k // batch) + (batch > 1))
