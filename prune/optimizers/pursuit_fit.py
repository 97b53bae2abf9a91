"""Non-negative ridge least squares on a Gram matrix, re-fitted cheaply each time an atom joins.

``minimise ‖b − Σ wⱼ aⱼ‖² + λ‖w‖², w ≥ 0`` by the active-set method: a Cholesky factor of the atoms that have
weight grows by a row when one joins and is rotated when one leaves, so a step costs O(t²) for t atoms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled

DEPENDENT = 1e-10  # an atom with less of its squared norm left outside the others' span adds only rounding


class Fit(NamedTuple):
    """The atoms chosen so far, and the weights that suit them best; filled in place."""

    gram: Array  # (m, m) float64, ⟨aᵢ, aⱼ⟩
    right: Array  # (m,) float64, ⟨aᵢ, b⟩
    weights: Array  # (m,) float64, at least 0
    factor: Array  # (m, m) float64, Cholesky of gram + λ of those with weight: L below, its transpose above
    half: Array  # (m,) float64, L⁻¹ right, in the order of the factor
    order: Array  # (m,) int64, which atoms the factor holds
    held: Array  # (1,) int64, how many


def empty_fit(size: int) -> Fit:
    """Room for `size` atoms."""
    square, line = (size, size), np.zeros(size)
    whole = np.zeros(size, np.int64), np.zeros(1, np.int64)
    return Fit(np.zeros(square), line.copy(), line.copy(), np.zeros(square), line, *whole)


@compiled
def refit(fit: Fit, atoms: int, ridge: float, least: float) -> None:
    """Bring the weights of the first `atoms` atoms to the optimum, starting from what they are.

    An atom without weight joins while its correlation with the residual is above `least`.

    References
    ----------
    Lawson & Hanson, "Solving Least Squares Problems", 1974, chapter 23.
    """
    barred = np.zeros(atoms, np.bool_)
    _settle(fit, -1)
    while True:
        held = fit.held[0]
        free = np.ones(atoms, np.bool_)
        free[fit.order[:held]] = False
        best, most = -1, least
        for j in range(atoms):
            if free[j] and not barred[j]:
                gradient = fit.right[j]
                for i in range(held):
                    gradient -= fit.gram[j, fit.order[i]] * fit.weights[fit.order[i]]
                if gradient > most:
                    best, most = j, gradient
        if best < 0:
            return
        if not _join(fit, best, ridge) or not _settle(fit, best):
            barred[best] = True


def non_negative(gram: Array, right: Array, ridge: float, start: Array | None = None) -> Array:
    """``w ≥ 0`` with the least ``wᵀ K w − 2 wᵀ c + ridge·‖w‖²``, (k,) from K (k, k) and c (k,).

    With a `start` of positive weights it is found sooner where most of them stay positive.
    """
    fit = empty_fit(len(right))
    fit.gram[:], fit.right[:] = gram, right
    if start is not None:
        fit.weights[:] = start
        rejoin(fit, len(right), ridge)
    refit(fit, len(right), ridge, 1e-9 * float(np.abs(right).max(initial=0.0)))
    return fit.weights


@compiled
def rejoin(fit: Fit, atoms: int, ridge: float) -> None:
    """Factor those of the first `atoms` atoms that have weight anew, as another ridge needs it."""
    fit.held[0] = 0
    for j in range(atoms):
        if fit.weights[j] > 0.0 and not _join(fit, j, ridge):
            fit.weights[j] = 0.0


@compiled
def _settle(fit: Fit, newest: int) -> bool:
    """Move to the optimum of the atoms held, dropping those that it would make negative."""
    stays = True
    while fit.held[0] > 0:
        held = fit.held[0]
        wanted = _solved(fit)
        step, at = 1.0, -1
        for i in range(held):
            if wanted[i] <= 0.0:
                now = fit.weights[fit.order[i]]
                share = now / (now - wanted[i]) if now > wanted[i] else 0.0
                if share < step or at < 0:
                    step, at = share, i
        for i in range(held):
            j = fit.order[i]
            fit.weights[j] += step * (wanted[i] - fit.weights[j])
        if at < 0:
            break
        fit.weights[fit.order[at]] = 0.0
        for i in range(held - 1, -1, -1):
            if fit.weights[fit.order[i]] <= 0.0:
                stays = stays and fit.order[i] != newest
                fit.weights[fit.order[i]] = 0.0
                _leave(fit, i)
    return stays


@compiled
def _join(fit: Fit, atom: int, ridge: float) -> bool:
    """Add a row to the factor, unless the atom lies in the span of the others."""
    t = fit.held[0]
    row = np.empty(t)
    for i in range(t):
        row[i] = fit.gram[atom, fit.order[i]]
    whole = fit.gram[atom, atom] + ridge
    left, right = whole, fit.right[atom]
    for i in range(t):
        value = row[i] / fit.factor[i, i]
        row[i] = value
        _subtract(value, fit.factor[i, i + 1 : t], row[i + 1 :])
        left -= value * value
        right -= value * fit.half[i]
    if not left > DEPENDENT * whole:
        return False
    fit.factor[t, :t] = row
    fit.factor[:t, t] = row
    fit.factor[t, t] = np.sqrt(left)
    fit.half[t] = right / fit.factor[t, t]
    fit.order[t] = atom
    fit.held[0] = t + 1
    return True


@compiled
def _leave(fit: Fit, at: int) -> None:
    """Take an atom out of the factor: its column goes, and rotations make the rest triangular again."""
    t = fit.held[0]
    upper = fit.factor
    for i in range(at):
        upper[i, at : t - 1] = upper[i, at + 1 : t].copy()
    row, value = upper[at, at + 1 : t].copy(), fit.half[at]
    for i in range(at, t - 1):
        below, length = upper[i + 1, i + 1 : t].copy(), np.hypot(row[0], upper[i + 1, i + 1])
        cosine, sine = row[0] / length, below[0] / length
        upper[i, i : t - 1] = cosine * row + sine * below
        row = (cosine * below - sine * row)[1:]
        fit.half[i] = cosine * value + sine * fit.half[i + 1]
        value = cosine * fit.half[i + 1] - sine * value
        fit.order[i] = fit.order[i + 1]
    for i in range(at, t - 1):
        upper[i, :i] = upper[:i, i]
    fit.held[0] = t - 1


@compiled
def _solved(fit: Fit) -> Array:
    t = fit.held[0]
    wanted = fit.half[:t].copy()
    for i in range(t - 1, -1, -1):
        wanted[i] /= fit.factor[i, i]
        _subtract(wanted[i], fit.factor[i, :i], wanted[:i])
    return wanted


@compiled
def _subtract(times: float, one: Array, out: Array) -> None:
    for i in range(len(out)):
        out[i] -= times * one[i]
