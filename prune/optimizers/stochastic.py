"""Stochastic greedy: each step looks at a random few of the samples left, enough to hold one of the best."""

from __future__ import annotations

import math

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.index.space import Sums
from prune.optimizers.function import SetFunction

LARGEST = (
    0.5  # at 0.9, the default of published code, a tenth of n/k candidates is drawn: no better than random
)


def draws(m: int, k: int, epsilon: float) -> int:
    """Return ``⌈(m / k)·ln(1/ε)⌉``: so many draws miss the k best of m with a probability of at most ε.

    Raises
    ------
    OptionError
        ε is not in ``(0, 0.5]``.
    """
    require_epsilon(epsilon)
    return max(1, math.ceil(m / k * math.log(1 / epsilon)))


def require_epsilon(epsilon: float) -> None:
    """Raise `OptionError` unless ε is in ``(0, 0.5]``."""
    if not 0 < epsilon <= LARGEST:
        raise OptionError(
            f"epsilon={epsilon:g} is not in (0, {LARGEST}]; so little is looked at above it that the choice "
            "is no better than random",
            "--set epsilon=0.1",
        )


def stochastic(
    function: SetFunction, k: int, candidates: Rows, *, seed: int, epsilon: float
) -> tuple[Rows, Sums]:
    """Take k times the best of ``⌈(m / k)·ln(1/ε)⌉`` random candidates, ties by lower row.

    For monotone submodular functions the value is at least ``1 − 1/e − ε`` of the best possible, on average.
    Time: about ``m·ln(1/ε)`` evaluations whatever k is; memory O(m). A smaller k draws more each step, so
    its rows are no prefix of those of a larger one.

    Parameters
    ----------
    function
        It grows by the rows taken.
    k
        In ``[1, m]``.
    candidates : (m,)
        Distinct rows.
    seed
        Of the draws.
    epsilon
        In ``(0, 0.5]``.

    Raises
    ------
    OptionError
        ε is out of range.

    References
    ----------
    Mirzasoleiman et al., "Lazier Than Lazy Greedy", AAAI 2015, arXiv:1409.7938.
    """
    left = np.sort(candidates)
    count = draws(len(left), k, epsilon)
    rng = np.random.default_rng(seed)
    rows, gains = np.empty(k, np.int64), np.empty(k, np.float64)
    m = len(left)
    for step in range(k):
        drawn = rng.choice(m, min(count, m), replace=False, shuffle=False)
        found = function.gains(left[drawn])
        ties = drawn[found == found.max()]
        at = ties[np.argmin(left[ties])]
        rows[step], gains[step] = left[at], found.max()
        function.add(int(rows[step]))
        m -= 1
        left[at] = left[m]
    return rows, gains
