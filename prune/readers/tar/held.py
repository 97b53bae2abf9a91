"""The byte range of a sample, read as a tar of its own."""

from __future__ import annotations

from pathlib import Path

from prune.core.errors import DataError
from prune.readers.tar.members import BLOCK
from prune.system.contents import OpenedFile

_ENDLESS = 1 << 62


class Held:
    """Whole members, one after the other.

    Parameters
    ----------
    data
        Their bytes.
    path
        The shard that they were read from.
    cut
        Whether the bytes may stop inside a member: then its header still counts, and the walk ends in a
        `DataError` where the bytes do.
    """

    def __init__(self, data: bytes, path: Path, *, cut: bool = False) -> None:
        self.path = path
        self._data = data if cut else data + bytes(2 * BLOCK)  # what ends a tar
        self.size = _ENDLESS if cut else len(self._data)

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""
        return self._data[start : start + size]

    def damaged(self, after: int) -> DataError:
        """Say that the bytes are not the members that were scanned."""
        return DataError(
            f"{self.path} has changed since it was scanned: no member begins {after} bytes into a sample",
            "run the commands again from the first",
        )


class InPlace(Held):
    """The byte range of a sample, read piece by piece where it lies in its shard.

    Parameters
    ----------
    shard
        The shard, opened; of an object, only the blocks are fetched that are read.
    """

    def __init__(self, shard: OpenedFile, offset: int, size: int, path: Path) -> None:
        super().__init__(b"", path)
        self._shard, self._offset, self._end = shard, offset, size
        self.size = size + 2 * BLOCK

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`; behind the sample lies what ends a tar."""
        inside = max(0, min(size, self._end - start))
        return self._shard.read(self._offset + start, inside) + bytes(size - inside)
