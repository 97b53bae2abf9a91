"""SHA-256 of bytes on their way to the disk: of many, taken on another core while they are written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

_ASIDE = 1 << 20  # bytes of which a digest takes longer than to hand them to a thread


class ParallelDigest:
    """The digest of all bytes so far; `close` ends the thread, if there ever was need of one."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None

    @contextlib.contextmanager
    def taking(self, view: memoryview) -> Iterator[None]:
        """Take bytes in, at the latest when the block ends."""
        taken = self._begun(view) if len(view) >= _ASIDE else None
        if taken is None:
            self._sha256.update(view)
            yield
            return
        try:
            yield
        finally:
            taken.result()

    def _begun(self, view: memoryview) -> Future[None] | None:
        """Let the thread take bytes in; None where the system lets no thread begin."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1)
        try:
            return self._thread.submit(self._sha256.update, view)
        except RuntimeError:
            self._thread = None  # which holds these bytes, and would take them in once it began
            return None

    def hexdigest(self) -> str:
        """Return the digest as text."""
        return self._sha256.hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()
