"""The ways to maximise a set function by k greedy steps, behind one name."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import Sums
from prune.optimizers.function import SetFunction
from prune.optimizers.stochastic import require_epsilon, stochastic

Greedy: TypeAlias = Literal["lazy", "naive", "stochastic", "approximate"]


def maximise(
    function: SetFunction,
    k: int,
    *,
    greedy: Greedy = "lazy",
    seed: int = 0,
    epsilon: float = 0.1,
    taken: Rows | None = None,
) -> tuple[Rows, Sums]:
    """Grow S by exactly k samples, each step by the one that adds most, even where that is negative.

    - ``lazy``: bounds gains by older ones; the rows and gains of ``naive`` if the function is submodular
    - ``naive``: evaluates every sample at every step
    - ``stochastic``: evaluates ``⌈(n/k)·ln(1/ε)⌉`` random samples a step
    - ``approximate``: lazy, content with ``1 − ε`` of the largest bound

    All but ``stochastic`` are nested: a smaller k is a prefix. Ties go to the lower row.

    Parameters
    ----------
    function
        f and the S that it holds; it grows by the rows taken.
    k
        In ``[1, n − taken]``.
    greedy
        Which way.
    seed
        Of ``stochastic``.
    epsilon
        Of ``stochastic`` and ``approximate``, in ``(0, 0.5]``. Published code draws with 0.9, which is no
        better than random.
    taken
        Rows that the function's S holds already; they are not taken.

    Returns
    -------
    (k,) rows, (k,) float64
        In the order taken, and what each added to f.

    Raises
    ------
    OptionError
        ε is out of range.
    ValueError
        k is out of range.
    """
    from prune.optimizers.lazy import lazy  # loads numba, which who only names a way need not

    candidates = np.arange(function.n)
    if taken is not None and len(taken):
        candidates = np.delete(candidates, np.unique(taken))
    if not 1 <= k <= len(candidates):
        raise ValueError(f"cannot keep {k} of {len(candidates)} samples")
    if greedy == "naive":
        return naive(function, k, candidates)
    if greedy == "lazy":
        return lazy(function, k, candidates)
    if greedy == "stochastic":
        return stochastic(function, k, candidates, seed=seed, epsilon=epsilon)
    if greedy != "approximate":
        raise ValueError(f"greedy {greedy!r} is not one of lazy, naive, stochastic, approximate")
    require_epsilon(epsilon)
    return lazy(function, k, candidates, epsilon=epsilon)


def naive(function: SetFunction, k: int, candidates: Rows) -> tuple[Rows, Sums]:
    """Take k times the candidate that adds most, ties by lower row; m evaluations a step."""
    left = np.sort(candidates)
    rows, gains = np.empty(k, np.int64), np.empty(k, np.float64)
    for step in range(k):
        found = function.gains(left)
        at = int(np.argmax(found))
        rows[step], gains[step] = left[at], found[at]
        function.add(int(rows[step]))
        left = np.delete(left, at)
    return rows, gains
