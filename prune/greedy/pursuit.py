"""Orthogonal matching pursuit: few samples whose weighted sum is a given vector, nearly.

Take the atom that correlates most with what is left, fit all weights anew, subtract, repeat. With all inner
products in memory a step costs O(m·t) for t of m atoms (`Dense`); without them, one pass over the samples
(`Direct`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from prune.arrays import Rows
from prune.greedy.pursuit_atoms import Atoms
from prune.greedy.pursuit_fit import Fit, empty_fit, refit
from prune.index.space import Sums, Vector


class Source(Protocol):
    """Where the correlations of all atoms come from."""

    right: Sums  # (m,) ⟨aᵢ, b⟩
    goal: float  # ‖b‖²
    squares: Sums  # (m,) ‖aᵢ‖²
    noise: float  # of the largest correlation with b: what is smaller is rounding

    def onto(self, atom: int) -> float:
        """⟨aᵢ, b⟩ to the last digits: fits amplify what is wrong with it."""

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) inner products of an atom with others."""

    def correlations(self, atoms: Rows, weights: Sums) -> Sums:
        """(m,) inner products of all atoms with ``b − Σ wⱼ aⱼ``; one more atom than the call before."""


class Dense:
    """All inner products, computed once. Memory 8·(m² + m·t) bytes."""

    noise = 1e-9

    def __init__(self, atoms: Atoms, target: Vector | None, most: int) -> None:
        self._gram = atoms.gram()
        self.squares = self._gram.diagonal()
        every = np.arange(len(atoms))
        self.right = self._gram.sum(1) if target is None else atoms.exact_dot(every, target)
        self.goal = float(self.right.sum()) if target is None else float(np.vdot(target, target))
        self._chosen = np.empty((most, len(atoms)))

    def onto(self, atom: int) -> float:
        """⟨aᵢ, b⟩."""
        return float(self.right[atom])

    def products(self, atom: int, others: Rows) -> Sums:
        """(t,) inner products of an atom with others."""
        return self._gram[atom, others]

    def correlations(self, atoms: Rows, weights: Sums) -> Sums:
        """(m,) inner products of all atoms with the residual."""
        t = len(atoms)
        self._chosen[t - 1] = self._gram[atoms[-1]]
        return self.right - weights @ self._chosen[:t]


class Direct:
    """Nothing but the residual itself, a point of the space. Memory O(m + c·d)."""

    noise = 1e-6

    def __init__(self, atoms: Atoms, target: Vector | None) -> None:
        self._atoms = atoms
        self._target = atoms.space.sum() if target is None else target
        self.squares = atoms.squared_norms()
        self.right = atoms.dot(self._target)
        self.goal = float(np.vdot(self._target, self._target))

    def onto(self, atom: int) -> float:
        """⟨aᵢ, b⟩, in float64 throughout, as `right` is not."""
        return float(self._atoms.exact_dot(np.array([atom]), self._target)[0])

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
    fit: Fit  # inner products of the atoms with each other and with b


def pursue(source: Source, sizes: Rows, k: int, ridge: float, tolerance: float) -> Pursued:
    """Choose atoms of k samples or more, and ``w ≥ 0`` with the least ``‖b − Σ wⱼ aⱼ‖² + ridge·‖w‖²``.

    The residual itself never rises: where the ridge would make it, the new atom is stepped along alone.

    Parameters
    ----------
    source
        Correlations of m atoms with the vector to match and with what is left of it.
    sizes : (m,)
        Samples in each atom.
    k
        At most ``Σ sizes``.
    ridge
        At least 0, in units of ‖a‖².
    tolerance
        Stop when ``‖residual‖ ≤ tolerance·‖b‖``.
    """
    m, least = len(sizes), source.noise * float(source.right.max(initial=0.0))
    fit = empty_fit(most_atoms(m, k, int(sizes.max())))
    chosen, free = np.empty(len(fit.right), np.int64), np.ones(m, np.bool_)
    weights, drops = np.zeros(len(chosen)), np.zeros(len(chosen))
    left, error, stop = source.right, source.goal, "budget"
    t = held = 0
    while held < k:
        atom = int(np.argmax(np.where(free, left, -np.inf)))
        if error <= tolerance**2 * source.goal or not free[atom] or left[atom] <= least:
            stop = "tolerance" if error <= tolerance**2 * source.goal else "exhausted"
            break
        chosen[t], free[atom] = atom, False
        row = source.products(atom, chosen[: t + 1])
        fit.gram[t, : t + 1] = fit.gram[: t + 1, t] = row
        fit.right[t] = source.onto(atom)
        t, held = t + 1, held + int(sizes[atom])
        refit(fit, t, ridge, least)
        wanted = fit.weights[:t]
        after = source.goal - float(wanted @ fit.right[:t]) - ridge * float(wanted @ wanted)
        if after <= error:
            weights[:t] = wanted
        else:
            weights[t - 1] = left[atom] / row[-1]
            after = error - left[atom] * weights[t - 1]
        drops[t - 1] = (error - max(after, 0.0)) / source.goal
        error = max(after, 0.0)
        if held < k:
            left = source.correlations(chosen[:t], weights[:t])
    return Pursued(chosen[:t], weights[:t], drops[:t], error, stop, fit)


def most_atoms(m: int, k: int, batch: int) -> int:
    """How many of m atoms of `batch` samples k samples can take; one of them may be smaller."""
    return min(m, -(-k // batch) + (batch > 1))
