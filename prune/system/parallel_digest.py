"""SHA-256 of bytes on their way to the disk: of many, taken on another core while they are written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

from prune.system.side_thread import SideThread

_ASIDE = 1 << 20  # bytes of which a digest takes longer than to hand them to a thread


class ParallelDigest:
    """The digest of all bytes so far; `close` ends the thread, if there ever was need of one."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._thread: SideThread | None = None

    @contextlib.contextmanager
    def taking(self, view: memoryview) -> Iterator[None]:
        """Take bytes in, at the latest when the block ends."""
        if len(view) < _ASIDE:
            self._sha256.update(view)
            yield
            return
        if self._thread is None:
            self._thread = SideThread()
        taken = self._thread.begin(self._sha256.update, view)
        try:
            yield
        finally:
            taken.result()

    def hexdigest(self) -> str:
        """Return the digest as text."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.close()
