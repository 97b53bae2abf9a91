"""A heap of positions, largest bound first and ties by lower position, in two plain arrays."""

from __future__ import annotations

from prune.core.arrays import Array
from prune.index.farthest_kernels import compiled


@compiled
def heapify(heap: Array, bounds: Array) -> None:
    """Order any positions into a heap, in place."""
    for at in range(len(heap) // 2 - 1, -1, -1):
        _sink(heap, len(heap), at, bounds)


@compiled
def push(heap: Array, size: int, position: int, bounds: Array) -> None:
    """Add a position to a heap of `size`."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if not _before(position, heap[above], bounds):
            break
        heap[at] = heap[above]
        at = above
    heap[at] = position


@compiled
def pop(heap: Array, size: int, bounds: Array) -> int:
    """Take the first position off a heap of `size`, which is at least 1."""
    first = heap[0]
    heap[0] = heap[size - 1]
    _sink(heap, size - 1, 0, bounds)
    return first


@compiled
def _sink(heap: Array, size: int, at: int, bounds: Array) -> None:
    if at >= size:
        return
    position = heap[at]
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and _before(heap[below + 1], heap[below], bounds):
            below += 1
        if not _before(heap[below], position, bounds):
            break
        heap[at] = heap[below]
        at = below
    heap[at] = position


@compiled
def _before(one: int, two: int, bounds: Array) -> bool:
    return bounds[one] > bounds[two] or (bounds[one] == bounds[two] and one < two)
