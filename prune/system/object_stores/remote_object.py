"""An object that is read at any place: by blocks, which are kept; more at once where it is read onward."""

from __future__ import annotations

import functools
from pathlib import Path

from prune.system.object_stores.block_cache import BLOCK, BlockCache
from prune.system.object_stores.mirror import address_of, home_of, known
from prune.system.object_stores.requests import fetch

_MOST = 16  # blocks that are fetched at once


class RemoteObject:
    """One object, as it was listed; a later one of the same name is refused, not mixed in.

    Memory: what is asked for, and the blocks fetched at once, 16 MiB.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._address, self._facts = address_of(path), known(path)
        self.size = self._facts.size
        self._cache = cache_at(home_of(path))
        self._ahead = 1  # blocks that the next request asks for
        self._onward = 0  # the block behind the last that was fetched
        self._at_hand: dict[int, bytes] = {}

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""
        stop = min(start + size, self.size)
        if stop <= start:
            return b""
        first, last = start // BLOCK, (stop - 1) // BLOCK
        parts, number = [], first
        while number <= last:
            parts.append(self._block(number, last))
            number += 1
        parts[-1] = parts[-1][: stop - last * BLOCK]
        parts[0] = parts[0][start - first * BLOCK :]
        return b"".join(parts)

    def close(self) -> None:
        """Let go of what is at hand."""
        self._at_hand.clear()

    def _block(self, number: int, last: int) -> bytes:
        """Return a block; `last` is the last that is asked for."""
        if number in self._at_hand:
            return self._at_hand[number]
        found = self._cache.get(self._address, self._facts, number)
        if found is not None:
            self._at_hand = {number: found}
            return found
        self._ahead = min(2 * self._ahead, _MOST) if number == self._onward else 1
        stop = min(max(last + 1, number + self._ahead), number + _MOST, -(-self.size // BLOCK))
        data = fetch(self._address, number * BLOCK, min(stop * BLOCK, self.size), self._facts)
        self._at_hand = {
            number + place: data[place * BLOCK : (place + 1) * BLOCK] for place in range(stop - number)
        }
        for place, block in self._at_hand.items():
            self._cache.put(self._address, self._facts, place, block)
        self._onward = stop
        return self._at_hand[number]


@functools.cache
def cache_at(home: Path) -> BlockCache:
    """Return what keeps blocks below a folder: one of a process."""
    return BlockCache(home)
