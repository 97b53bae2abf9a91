"""A heap of entries in two plain arrays, keys and names: the largest key first, of equal ones by name.

With `lower` it is the lower name that comes first, without it the higher: what is taken first of equal
samples is the lower row, so what is given up first of them is the higher.
"""

from __future__ import annotations

from prune.core.arrays import Array
from prune.system.compilation import compiled


@compiled
def heapify(keys: Array, names: Array, lower: bool) -> None:
    """Order any entries into a heap, in place."""
    for at in range(len(keys) // 2 - 1, -1, -1):
        sink(keys, names, len(keys), at, keys[at], names[at], lower)


@compiled
def push(keys: Array, names: Array, size: int, key: float, name: int, lower: bool) -> None:
    """Add an entry to a heap of `size`."""
    at = size
    while at > 0:
        above = (at - 1) // 2
        if not _before(key, name, keys[above], names[above], lower):
            break
        keys[at], names[at] = keys[above], names[above]
        at = above
    keys[at], names[at] = key, name


@compiled
def pop(keys: Array, names: Array, size: int, lower: bool) -> None:
    """Take the first entry off a heap of `size`, which is at least 1."""
    sink(keys, names, size - 1, 0, keys[size - 1], names[size - 1], lower)


@compiled
def sink(keys: Array, names: Array, size: int, at: int, key: float, name: int, lower: bool) -> None:
    """Put an entry in place of that at `at`, and let it fall to where it belongs."""
    while 2 * at + 1 < size:
        below = 2 * at + 1
        other = below + 1
        if other < size and _before(keys[other], names[other], keys[below], names[below], lower):
            below = other
        if not _before(keys[below], names[below], key, name, lower):
            break
        keys[at], names[at] = keys[below], names[below]
        at = below
    keys[at], names[at] = key, name


@compiled
def _before(key: float, name: int, other_key: float, other_name: int, lower: bool) -> bool:
    return key > other_key or (key == other_key and (name < other_name if lower else name > other_name))
