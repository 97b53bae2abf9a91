"""Lazy greedy: a sample's old gain bounds its new one, so that few have to be looked at again."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.index.heap import heapify, pop, push
from prune.index.space import Sums
from prune.optimizers.function import SetFunction
from prune.system.compilation import compiled

BATCH = (4, 4096)  # samples evaluated together, at first and at most
TAKEN = -1  # in place of the step at which a bound was exact


def lazy(function: SetFunction, k: int, candidates: Rows, *, epsilon: float = 0.0) -> tuple[Rows, Sums]:
    """Take k times the candidate that adds most, ties by lower row, and evaluate few.

    Right where gains only fall as S grows (submodular functions): then rows and gains are those of the plain
    loop. Gains may be negative. Time: one evaluation of all candidates, then as many as the bounds leave
    open; memory 48 bytes a candidate at most, those of `function` aside.

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
        self.function, self.candidates = function, candidates  # ascending: a lower position is a lower row
        self.bounds = np.array(function.gains(candidates), np.float64)
        self.keys, self.heap = self.bounds.copy(), np.arange(len(candidates), dtype=np.int32)
        heapify(self.keys, self.heap, True)
        self.size = len(candidates)
        self.exact_at = np.zeros(len(candidates), np.int32)
        self.batch = BATCH[0]

    def best(self, step: int, epsilon: float) -> tuple[float, int]:
        """Return the largest gain with its row, which is not looked at again."""
        size, evaluated, best = self.batch, 0, -1  # the best position of those evaluated in this step
        while self._top_is_old(step):
            bound = self.keys[0]
            if best >= 0 and epsilon and self.bounds[best] >= bound - epsilon * abs(bound):
                break
            fresh = self._evaluate(step, size)
            if best < 0 or (-self.bounds[fresh], fresh) < (-self.bounds[best], best):
                best = fresh
            evaluated += size
            size = min(2 * size, BATCH[1])
        else:
            best = int(self.heap[0])
        self.exact_at[best] = TAKEN
        self.batch = int(np.clip(evaluated // 2, *BATCH))
        return float(self.bounds[best]), int(self.candidates[best])

    def _top_is_old(self, step: int) -> bool:
        while self.exact_at[self.heap[0]] == TAKEN:
            pop(self.keys, self.heap, self.size, True)
            self.size -= 1
        return bool(self.exact_at[self.heap[0]] != step)

    def _evaluate(self, step: int, size: int) -> int:
        """Make the `size` largest bounds exact, or all above the first that is; return the best of them."""
        drawn = np.empty(min(size, self.size), np.int32)
        self.size, count = _draw(self.keys, self.heap, self.size, self.exact_at, step, drawn)
        positions = np.sort(drawn[:count])
        self.bounds[positions] = self.function.gains(self.candidates[positions])
        self.exact_at[positions] = step
        for position in positions.tolist():
            push(self.keys, self.heap, self.size, self.bounds[position], position, True)
            self.size += 1
        return int(positions[np.argmax(self.bounds[positions])])


@compiled
def _draw(keys: Array, heap: Array, size: int, exact_at: Array, step: int, out: Array) -> tuple[int, int]:
    """Pop the first positions that are not exact, as many as fit; return how many are left, and drawn."""
    count = 0
    while size > 0 and count < len(out) and exact_at[heap[0]] != step:
        position = heap[0]
        pop(keys, heap, size, True)
        size -= 1
        if exact_at[position] != TAKEN:
            out[count] = position
            count += 1
    return size, count
