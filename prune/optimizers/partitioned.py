"""Two rounds: choose k in each of a few random parts, then k of those; no step sees all samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from prune.core.arrays import Rows
from prune.index.space import Sums
from prune.optimizers.function import SetFunction
from prune.optimizers.lazy import lazy

Maker: TypeAlias = Callable[[Rows], SetFunction]  # f over these samples alone; its row i is rows[i]


def parts_of(m: int, k: int) -> int:
    """Return ``⌈√(m/k)⌉``, at least 2: then the two rounds look at about equally many samples."""
    return max(2, math.ceil(math.sqrt(m / k)))


def partitioned(
    function: SetFunction, k: int, candidates: Rows, *, make: Maker, seed: int
) -> tuple[Rows, Sums]:
    """Take k of each of ``⌈√(m/k)⌉`` random parts lazily, then k of all those taken.

    In the first round a function is built of each part alone; in the second only what the first took is
    evaluated, on `function` itself, so that gains are differences of the whole function. For monotone
    submodular functions and random parts the value is at least ``(1 − 1/e)/2`` of the best possible, on
    average. Memory: one part at a time.

    Parameters
    ----------
    function
        Over all samples; it grows by the rows taken.
    k
        In ``[1, m]``.
    candidates : (m,)
        Distinct rows.
    make
        Builds the function over some samples alone; whatever is given already must be in its S.
    seed
        Of the parts.

    References
    ----------
    Mirzasoleiman et al., "Distributed Submodular Maximization", JMLR 2016, arXiv:1411.0541.
    Barbosa et al., "The Power of Randomization", ICML 2015, arXiv:1502.02606.
    """
    shuffled = np.random.default_rng(seed).permutation(np.sort(candidates))
    best = []
    for part in np.array_split(shuffled, parts_of(len(candidates), k)):
        rows = np.sort(part)
        if len(rows):
            taken, _ = lazy(make(rows), min(k, len(rows)), np.arange(len(rows)))
            best.append(rows[taken])
    return lazy(function, k, np.concatenate(best))
