"""Round robin: every target sample takes the best that is left, in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import Space
from prune.selectors.normsim import require_width

_LEAST = 64  # candidates of a target sample that are found at once
_MORE = 4  # times as many as it would take if nobody took the same
_BYTES = 48  # of a candidate of a target sample


def round_robin(space: Space, keys: Sequence[str], /, *, k: int, seed: int, target: Space) -> Selection:
    """The samples of the target take turns: each takes the sample of the largest cosine that nobody took.

    So all of the target is served, its outliers as much as its crowds, and what is taken first is nearest to
    something wanted. The order of the turns is drawn by the seed, once. Time O(n·t·d) for t target samples,
    exactly, a block at a time, and again for what is left where the lists of candidates run out; memory O(n),
    and those lists, as many as fit.

    Good for instruction tuning and other small targets of several kinds, where taking the largest similarity
    (`normsim`) serves one kind only; bad for targets with noise in them, whose outliers get their share too,
    and of near copies in the pool it takes one after the other (`--method semdedup` first).

    Parameters
    ----------
    space
        n samples; only their directions count.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``.
    seed
        Of the turns, and of the order of samples without direction.
    target
        What to match, of the same kind and width.

    Returns
    -------
    In the order taken; gains are the cosines, weights are 1. Samples without direction come last, with a gain
    of 0. Facts: `rounds`, how many turns each target sample had, the last of them perhaps not all.

    Raises
    ------
    OptionError
        The target has another width.
    ValueError
        k is not in ``[1, n]``.

    References
    ----------
    Ivison, Zhang, Brahman, Koh & Dasigi, "Large-Scale Data Selection for Instruction Tuning", 2025,
    arXiv:2503.01807 (RDS+, with embeddings of a language model, weighted by position).
    """
    if not 1 <= k <= space.n:
        raise ValueError(f"cannot keep {k} of {space.n} samples")
    require_width(space, target)
    pool, aim = space.under("cosine"), target.under("cosine")
    alive = np.flatnonzero(pool.squared_norms() > 0)
    turns = np.random.default_rng(seed).permutation(np.flatnonzero(aim.squared_norms() > 0))
    rows, gains = _taken(pool, aim.subset(turns), alive, k)
    lot = lots(keys, str(seed))
    rest = np.setdiff1d(np.arange(space.n), rows)
    rest = rest[np.argsort(lot[rest], kind="stable")][: k - len(rows)]
    rounds = -(-len(rows) // max(len(turns), 1))
    gains = np.concatenate([gains, np.zeros(len(rest), np.float32)])
    return Selection.of(np.concatenate([rows, rest]), gains=gains, facts={"rounds": rounds})


def plan_of_round_robin(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001 - as every plan
    """Return what the lists of candidates need, and finding them."""
    t = size.target or size.n
    depth = _depth(k, t, size.n, size.memory, 1)
    why = f"{t:,} of the target list {depth:,} of {size.n:,} samples each"
    return Plan("tiled", why, _BYTES * t * depth + 24 * size.n, 2.0 * size.n * t * size.width)


def _depth(k: int, t: int, n: int, memory: int, times: int) -> int:
    """How many candidates of each target sample are found at once."""
    wanted = times * max(_LEAST, -(-_MORE * k // max(t, 1)))
    return min(n, max(1, min(wanted, memory // (2 * _BYTES * max(t, 1)))))


def _taken(pool: Space, aim: Space, free: Rows, k: int) -> tuple[Rows, Any]:
    """Return up to k of the free rows, in the order taken, and the cosine of each."""
    from prune.index.neighbours import nearest_to

    rows: list[int] = []
    gains: list[float] = []
    turn, times = 0, 1
    while aim.n and len(free) and len(rows) < k:
        depth = _depth(k - len(rows), aim.n, len(free), pool.memory, times)
        found = nearest_to(aim, pool.subset(free), depth)
        lists, squares = found.rows.tolist(), found.squares.tolist()
        used, place = set[int](), [0] * aim.n
        while len(rows) < k and len(used) < len(free):
            mine, at = lists[turn], place[turn]
            while at < depth and mine[at] in used:
                at += 1
            place[turn] = at
            if at == depth:  # all that it listed are taken: the rest is looked through again
                break
            used.add(mine[at])
            rows.append(int(free[mine[at]]))
            gains.append(1 - squares[turn][at] / 2)
            turn = (turn + 1) % aim.n
        free, times = np.delete(free, sorted(used)), times * _MORE
    return np.array(rows, np.int64), np.array(gains, np.float32)
