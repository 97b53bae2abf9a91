"""A file read once, from front to back, and hashed on the way."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Protocol

from prune.core.errors import DataError
from prune.system import contents
from prune.system.os_errors import reading
from prune.system.side_thread import SideThread

READ = 1 << 20  # bytes a read; larger ones leave the cache


class Readable(Protocol):
    """What the walk over a tar needs: a file, or bytes that were read from one."""

    path: Path
    size: int

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""

    def damaged(self, after: int) -> DataError:
        """Say that it is whole only up to the byte `after`."""


class HashingFile:
    """A file that is read once, from front to back, and hashed in a thread on the way.

    Not mapped into memory: a file that shrinks while it is mapped kills the process.

    Raises
    ------
    DataError
        The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            self._content = contents.opened(path)
        self.size = self._content.size
        self._begin, self._end, self._data = 0, 0, b""  # the window [begin, end) of the file
        self._sha256 = hashlib.sha256()
        self._thread = SideThread()
        self._hashing: Future[None] | None = None

    def __enter__(self) -> HashingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.close()
        self._content.close()

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end of the file; `start` never decreases."""
        at = start - self._begin
        if start + size > self._end:
            self._fill(start, size)
            at = 0
        return self._data[at : at + size]

    def sha256(self) -> str:
        """Read what is left; return the hex digest of the whole file."""
        while self._next():
            pass
        if self._hashing:
            self._hashing.result()
        return self._sha256.hexdigest()

    def damaged(self, after: int) -> DataError:
        """Say that the file is whole only up to the byte `after`."""
        return DataError(
            f"{self.path} is truncated or damaged after byte {after} of {self.size}",
            "copy or make the shard again",
        )

    def _fill(self, start: int, size: int) -> None:
        parts = [self._data[start - self._begin :]]
        held = len(parts[0])
        while held < size:
            begin = self._end
            block = self._next()
            if not block:
                break
            part = block[max(0, start - begin) :]
            parts.append(part)
            held += len(part)
        self._begin, self._data = start, b"".join(parts)

    def _next(self) -> bytes:
        with reading(self.path):
            block = self._content.read(self._end, READ)
        if self._hashing:
            self._hashing.result()
        self._hashing = self._thread.begin(self._sha256.update, block)
        self._end += len(block)
        return block
