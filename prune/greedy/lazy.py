"""Lazy greedy: a sample's old gain bounds its new one, so that few have to be looked at again."""

from __future__ import annotations

import heapq

import numpy as np

from prune.arrays import Rows
from prune.greedy.function import SetFunction
from prune.index.space import Sums

BATCH = (4, 4096)  # samples evaluated together, at first and at most
TAKEN = -1  # in place of the step at which a bound was exact


def lazy(function: SetFunction, k: int, candidates: Rows, *, epsilon: float = 0.0) -> tuple[Rows, Sums]:
    """Take k times the candidate that adds most, ties by lower row, and evaluate few.

    Right where gains only fall as S grows (submodular functions): then rows and gains are those of the plain
    loop. Gains may be negative. Time: one evaluation of all candidates, then as many as the bounds leave
    open; memory O(candidates).

    Parameters
    ----------
    function
        It grows by the rows taken.
    k
        In ``[1, m]``.
    candidates : (m,)
        Distinct rows.
    epsilon
        In ``[0, 1)``. Above 0, take the best sample evaluated so far once its gain is at least
        ``b − ε·|b|``, with b the largest bound, which no gain exceeds.

    Returns
    -------
    (k,) rows, (k,) float64
        In the order taken, and what each added.

    References
    ----------
    Minoux, "Accelerated greedy algorithms for maximizing submodular set functions", 1978.
    """
    queue = _Queue(function, np.sort(candidates))
    rows, gains = np.empty(k, np.int64), np.empty(k, np.float64)
    for step in range(k):
        if step:
            function.add(int(rows[step - 1]))
        gains[step], rows[step] = queue.best(step, epsilon)
    function.add(int(rows[-1]))
    return rows, gains


class _Queue:
    """Bounds of gains, largest first, ties by lower row; each knows the step at which it was exact."""

    def __init__(self, function: SetFunction, candidates: Rows) -> None:
        self.function = function
        self.heap = list(zip((-function.gains(candidates)).tolist(), candidates.tolist(), strict=True))
        heapq.heapify(self.heap)
        self.exact_at = dict.fromkeys(candidates.tolist(), 0)
        self.batch = BATCH[0]

    def best(self, step: int, epsilon: float) -> tuple[float, int]:
        """Return the largest gain with its row, which is not looked at again."""
        size, evaluated = self.batch, 0
        best: tuple[float, int] | None = None  # of those evaluated in this step
        while self._top_is_old(step):
            bound = self.heap[0][0]
            if best is not None and epsilon and best[0] <= bound + epsilon * abs(bound):
                break
            fresh = self._evaluate(step, size)
            best = fresh if best is None else min(best, fresh)
            evaluated += size
            size = min(2 * size, BATCH[1])
        else:
            best = self.heap[0]
        self.exact_at[best[1]] = TAKEN
        self.batch = int(np.clip(evaluated // 2, *BATCH))
        return -best[0], best[1]

    def _top_is_old(self, step: int) -> bool:
        while self.exact_at[self.heap[0][1]] == TAKEN:
            heapq.heappop(self.heap)
        return self.exact_at[self.heap[0][1]] != step

    def _evaluate(self, step: int, size: int) -> tuple[float, int]:
        """Make the `size` largest bounds exact, or all above the first that is; return the best of them."""
        rows: list[int] = []
        while self.heap and len(rows) < size and self.exact_at[self.heap[0][1]] != step:
            row = heapq.heappop(self.heap)[1]
            if self.exact_at[row] != TAKEN:
                rows.append(row)
        rows.sort()
        fresh = list(zip((-self.function.gains(np.array(rows, np.int64))).tolist(), rows, strict=True))
        for entry in fresh:
            heapq.heappush(self.heap, entry)
            self.exact_at[entry[1]] = step
        return min(fresh)
