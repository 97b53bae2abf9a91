from __future__ import annotations

import numpy as np
import pytest

from prune.index.heap import heapify, pop, push, sink

ENTRIES = 60


def _in_order(keys: np.ndarray, names: np.ndarray, lower: bool) -> list[tuple[float, int]]:
    """Entries as a heap should give them: the largest key first, of equal ones by name."""
    return sorted(
        zip(keys.tolist(), names.tolist(), strict=True), key=lambda e: (-e[0], e[1] if lower else -e[1])
    )


def _emptied(keys: np.ndarray, names: np.ndarray, size: int, lower: bool) -> list[tuple[float, int]]:
    found = []
    for left in range(size, 0, -1):
        found.append((keys[0].item(), names[0].item()))
        pop(keys, names, left, lower)
    return found


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("kinds", [1, 4, 1000])  # of keys: ties are decided by name
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_gives_entries_in_order_however_they_came(dtype: type, kinds: int, lower: bool) -> None:
    rng = np.random.default_rng(kinds)
    for size in (1, 2, 3, ENTRIES):
        keys = rng.integers(0, kinds, size).astype(dtype)
        names = rng.permutation(size).astype(np.int32)
        wanted = _in_order(keys, names, lower)
        built = keys.copy(), names.copy()
        heapify(*built, lower)
        assert _emptied(*built, size, lower) == wanted
        pushed = np.empty(size, dtype), np.empty(size, np.int32)
        for at in range(size):
            push(*pushed, at, keys[at], names[at], lower)
        assert _emptied(*pushed, size, lower) == wanted


@pytest.mark.parametrize("lower", [True, False])
def test_an_entry_in_place_of_the_first_falls_to_where_it_belongs(lower: bool) -> None:
    rng = np.random.default_rng(0)
    keys, names = rng.integers(0, 5, ENTRIES).astype(np.float64), rng.permutation(ENTRIES).astype(np.int32)
    heapify(keys, names, lower)
    for name in range(ENTRIES, 2 * ENTRIES):
        wanted = [*_in_order(keys, names, lower)[1:], (key := float(rng.integers(0, 5)), name)]
        sink(keys, names, ENTRIES, 0, key, name, lower)
        left = keys.copy(), names.copy()
        assert sorted(_emptied(*left, ENTRIES, lower)) == sorted(wanted)
        assert (keys[0], names[0]) == _in_order(keys, names, lower)[0]
