"""A digest is that of the bytes, whether a thread takes them in or none can begin."""

from __future__ import annotations

import hashlib
import threading

import pytest

from prune.system.parallel_digest import ParallelDigest

DATA = bytes(range(256)) * 8192  # two MiB: taken in by a thread


def digested(*pieces: bytes) -> str:
    digest = ParallelDigest()
    for piece in pieces:
        with digest.taking(memoryview(piece)):
            pass
    digest.close()
    return digest.hexdigest()


def test_it_is_that_of_all_bytes_in_order() -> None:
    pieces = (b"a", DATA, b"", DATA[1:], b"b")
    assert digested(*pieces) == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_a_system_that_lets_no_thread_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Thread.start
    left = [0, 0, 1]  # refused twice, then let

    def start(thread: threading.Thread) -> None:
        if not left.pop(0):
            raise RuntimeError("can't start new thread")
        begun(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    assert digested(DATA, b"a", DATA, DATA) == hashlib.sha256(DATA + b"a" + DATA + DATA).hexdigest()
    assert left == []
