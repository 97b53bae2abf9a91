"""Greedy on sums of pairs: the exact loop in batches if `lazy`, the generic engines otherwise."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import Sums
from prune.optimizers.batched_greedy import follow
from prune.optimizers.engines import Greedy, maximise
from prune.optimizers.pair_sums import ProductSums, TableSums
from prune.optimizers.stochastic import require_epsilon


def run(
    function: ProductSums | TableSums,
    k: int,
    *,
    greedy: Greedy,
    seed: int,
    epsilon: float,
    taken: Rows,
    first: int | None = None,
) -> tuple[Rows, Sums]:
    """Grow S by k samples, the first of them `first` if there is one.

    Raises
    ------
    OptionError
        ε is out of range.
    """
    if greedy == "stochastic":
        require_epsilon(epsilon)
    if first is None:
        return _grow(function, k, greedy, seed, epsilon, taken)
    start = np.array([first])
    gain = function.gains(start)
    if k == 1:
        return start, gain
    function.add(first)
    rows, gains = _grow(function, k - 1, greedy, seed, epsilon, np.append(taken, first))
    return np.append(start, rows), np.append(gain, gains)


def _grow(
    function: ProductSums | TableSums, k: int, greedy: Greedy, seed: int, epsilon: float, taken: Rows
) -> tuple[Rows, Sums]:
    if greedy == "lazy":
        return follow(function, k, taken)
    return maximise(function, k, greedy=greedy, seed=seed, epsilon=epsilon, taken=taken)
