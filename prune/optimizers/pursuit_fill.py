"""The rest of a budget that a pursuit has no use for: more samples are taken, and share the weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.space import Sums
from prune.optimizers.pursuit import EQUAL, CorrelationSource, Pursued
from prune.optimizers.pursuit_atoms import Atoms
from prune.optimizers.pursuit_fit import non_negative
from prune.optimizers.pursuit_gram import Gram

RULE = "largest inner product with the sum to match"
QUARTERS = 10
EVEN = 1e-4  # of the mean squared norm: keeps nearly dependent atoms from playing against each other
SPECK = 1e-6  # what a sample weighs that would do nothing but harm


def fillers(source: CorrelationSource, chosen: Rows, sizes: Rows, k: int, lots: Array) -> Rows:
    """Return atoms that are not chosen, best aligned with b first, ties by lot, until k samples are there."""
    step = EQUAL * float(np.abs(source.right).max(initial=0.0)) or 1.0
    order = np.lexsort((lots, -np.round(source.right / step)))
    rest = order[~np.isin(order, chosen)]
    before = int(sizes[chosen].sum()) + np.concatenate([[0], np.cumsum(sizes[rest])[:-1]])
    return rest[before < k] if len(rest) else rest


def shared(
    atoms: Atoms, source: CorrelationSource, found: Pursued, filled: Rows, tolerance: float, given: int = 0
) -> tuple[Sums, float]:
    """Give weight to filled atoms, and to chosen ones that ended without any; positive, all of them.

    Where none are filled, those without any get 1e-6, and the others keep what is best for them. Otherwise
    each stands for itself, with weight 1, while the others, at least 1 too, are fitted to the rest of b, with
    hardly a ridge. Where that would leave more of b than before, and more than the tolerance, 1 becomes ¼,
    1/16, and so on.

    Parameters
    ----------
    given
        How many of the first atoms are not to be returned, and need no weight.

    Returns
    -------
    (t + filled,) weights, and ‖residual‖².
    """
    used = np.concatenate([found.weights > 0, np.zeros(len(filled), np.bool_)])
    weights = np.concatenate([found.weights, np.ones(len(filled))])
    needs = ~used
    needs[:given] = False
    if not needs.any():
        return weights, found.error
    at = np.flatnonzero(used)
    idle = np.concatenate([found.atoms, filled])[needs]
    whole = atoms.sum(idle, np.ones(len(idle)))
    gram, right, now = found.fit.gram[np.ix_(at, at)], found.fit.right[at], weights[at]
    rest = _Rest(
        gram,
        right,
        atoms.exact_dot(found.atoms[at], whole),
        (source.goal, float(source.right[idle].sum()), float(np.vdot(whole, whole))),
    )
    allowed = max(found.error, tolerance**2 * source.goal) * (1 + 1e-9)
    for share in 0.25 ** np.arange(QUARTERS) if len(at) and len(filled) else ():
        fitted = rest.fitted(share, now)
        error = rest.error(share, fitted)
        if error <= allowed:
            weights[at], weights[needs] = fitted, share
            return weights, error
    share = SPECK if len(at) else 1.0
    weights[needs] = share
    return weights, rest.error(share, now)


@dataclass
class _Rest:
    """What atoms with weight are to be fitted to, when each of the others has the same share."""

    gram: Gram  # (t, t) of those with weight
    right: Sums  # (t,) ⟨aⱼ, b⟩
    against: Sums  # (t,) ⟨aⱼ, s⟩ with s the sum of the others
    goal: tuple[float, float, float]  # ‖b‖², ⟨b, s⟩, ‖s‖²

    def fitted(self, share: float, now: Sums) -> Sums:
        """Return the best weights that are not below the share."""
        ridge = EVEN * float(np.trace(self.gram)) / len(now)
        right = self.right - share * (self.against + self.gram.sum(1))
        weights: Sums = share + non_negative(self.gram, right, ridge, now)
        return weights

    def error(self, share: float, weights: Sums) -> float:
        """‖b − Σ wⱼ aⱼ − share·s‖²."""
        whole, theirs, length = self.goal
        cross = float(weights @ (self.right - share * self.against))
        own = float(weights @ self.gram @ weights)
        return max(whole - 2 * share * theirs + share**2 * length - 2 * cross + own, 0.0)
