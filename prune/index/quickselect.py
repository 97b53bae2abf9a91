"""Quickselect: the value at a place of the sorted order, without sorting."""

from __future__ import annotations

from prune.core.arrays import Array
from prune.system.compilation import compiled


@compiled
def quickselect(values: Array, k: int) -> float:
    """Return the value that would stand at place k if all were sorted; moves them about (Hoare)."""
    low, high = 0, len(values) - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]
