"""The inner loops of facility location on all similarities, whole numbers so that no sum is rounded.

A similarity s in [0, 1] is kept as the whole number nearest to s·2²⁷. Gains are then sums of whole numbers,
the same in any order, on any number of threads: kept up to date, they do not drift from those computed anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from prune.core.arrays import Array
from prune.system.compilation import compiled

SCALE = 2.0**27  # float32 has no finer steps from 1/16 up; 15 rises fit an int32
MOST = 2**31 - 1
SHARED = 2**21  # similarities to read for one update; below it, threads cost more than they save
CHUNK = 2048  # columns whose sums stay in the first-level cache
TILE = 32
TAKEN = -(2**62)  # in place of the gain of a chosen sample


class AllSimilarities(NamedTuple):
    """All similarities, and what the samples chosen so far do for the others."""

    similar: Array  # (n, n) int32, symmetric
    best: Array  # (n,) int32, similarity to the nearest chosen sample; 0 before there is one
    gain: Array  # (n,) int64, exact; far below 0 for a chosen sample


@compiled
def fixed(value: float) -> int:
    """Return the whole number nearest to value·2²⁷."""
    whole: int = np.int32(np.float64(value) * SCALE + 0.5)  # type: ignore[assignment]  # compiled: int32
    return whole


@compiled
def fill(values: Array, out: Array, mirror: Array) -> None:
    """Write a block of similarities and its transpose; on the diagonal both are the same block."""
    a, b = values.shape
    for top in range(0, a, TILE):
        for left in range(0, b, TILE):
            for i in range(top, min(top + TILE, a)):
                for j in range(left, min(left + TILE, b)):
                    whole = fixed(values[i, j])
                    out[i, j] = whole
                    mirror[j, i] = whole


@compiled
def dense_gains(similar: Array, best: Array, rows: Array, out: Array) -> None:
    """Write Σᵢ max(sᵢⱼ − bestᵢ, 0) of some candidates j."""
    for at in range(len(rows)):
        row = similar[rows[at]]
        total = np.int64(0)
        for i in range(len(row)):
            total += max(np.int32(row[i] - best[i]), np.int32(0))
        out[at] = total


@compiled
def _four_rises(one: Array, two: Array, three: Array, four: Array, rise: Array, sums: Array) -> None:
    """Add max(min(s, w) − o, 0) of four rows, with o and w before and after in the columns of `rise`."""
    o1, o2, o3, o4 = rise[0, 0], rise[0, 1], rise[0, 2], rise[0, 3]
    w1, w2, w3, w4 = rise[1, 0], rise[1, 1], rise[1, 2], rise[1, 3]
    before = np.int32(o1 + o2 + o3 + o4)
    for j in range(len(sums)):
        half = np.int32(max(min(one[j], w1), o1) + max(min(two[j], w2), o2))
        rest = np.int32(max(min(three[j], w3), o3) + max(min(four[j], w4), o4))
        sums[j] += np.int32(np.int32(half + rest) - before)


@compiled
def lower(state: AllSimilarities, which: Array, rise: Array, start: int, stop: int) -> None:
    """Take off the gains of columns start … stop − 1 what samples `which` are served better by the last pick.

    `which` (4m,) and `rise` (2, 4m): padded with rises from 0 to 0.
    """
    for left in range(start, stop, CHUNK):
        right = min(left + CHUNK, stop)
        gain = state.gain[left:right]
        sums = np.zeros(right - left, np.int32)
        most = np.int64(0)  # that a sum can have reached
        for at in range(0, len(which), 4):
            part = rise[:, at : at + 4]
            height = np.int64(0)
            for r in range(4):
                height += part[1, r] - part[0, r]
            if most + height > MOST:
                gain -= sums
                sums[:] = 0
                most = np.int64(0)
            most += height
            rows = state.similar
            _four_rises(
                rows[which[at], left:right],
                rows[which[at + 1], left:right],
                rows[which[at + 2], left:right],
                rows[which[at + 3], left:right],
                part,
                sums,
            )
        gain -= sums


@compiled
def raised(row: Array, best: Array, which: Array, rise: Array) -> int:
    """Raise `best` to `row`; write down where, from what and to what, padded to a multiple of four."""
    count = 0
    for i in range(len(row)):
        if row[i] > best[i]:
            which[count] = i
            rise[0, count] = best[i]
            rise[1, count] = row[i]
            best[i] = row[i]
            count += 1
    while count % 4:
        which[count] = 0
        rise[0, count] = 0
        rise[1, count] = 0
        count += 1
    return count


@compiled
def first_largest(values: Array) -> int:
    """Return the position of the largest value, the first of several."""
    most = values[0]
    for i in range(len(values)):
        most = max(most, values[i])
    at = 0
    while values[at] != most:
        at += 1
    return at


@compiled
def climb(state: AllSimilarities, picks: Array, gains: Array, which: Array, rise: Array) -> tuple[int, int]:
    """Pick the largest gain again and again, until an update is worth sharing between threads.

    Returned are how many were picked, and how many entries of `which` (n + 3,) and `rise` (2, n + 3) are left
    to pass to `lower`.
    """
    n = len(state.best)
    for count in range(len(picks)):
        row = first_largest(state.gain)
        picks[count] = row
        gains[count] = state.gain[row]
        raises = raised(state.similar[row], state.best, which, rise)
        state.gain[row] = TAKEN
        if raises * n > SHARED:
            return count + 1, raises
        lower(state, which[:raises], rise[:, :raises], 0, n)
    return len(picks), 0
