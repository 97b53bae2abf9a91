"""The write lock of a store: what a killed writer left, and files that vanish meanwhile."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from prune.store.layout import LOCK
from prune.store.misplaced import put_aside, tidy
from prune.store.removal import clear
from prune.system import files, locks


@contextlib.contextmanager
def write_lock(
    folder: Path, prepare: Callable[[], None], wait: Callable[[str], None] | None
) -> Iterator[None]:
    """Hold a store until the block ends.

    Parameters
    ----------
    prepare
        Makes the folder, or refuses it; called again where the store was moved while we waited.
    wait
        Told of another writer before waiting for it; None does not wait.

    Raises
    ------
    StoreError
        Another process writes and `wait` is None, or a file of the store vanished.
    """
    fd = locks.opened(
        lambda: _open(folder, prepare), folder / LOCK, folder, lambda fd: os.pread(fd, 256, 0), wait
    )
    try:
        with contextlib.suppress(OSError):  # on a full disk: this is for the message of others only
            os.ftruncate(fd, 0)
            os.pwrite(fd, locks.mark(), 0)
        with locks.alone_in(folder):
            files.sweep(folder)
            clear(folder)
            tidy(folder)
            yield
    finally:
        os.close(fd)


def tell_holder(folder: Path, verb: str) -> None:
    """Write into the lock which command holds it: for what others are told. For the holder only."""
    with contextlib.suppress(OSError):
        fd = os.open(folder / LOCK, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(fd, locks.mark(verb), 0)
        finally:
            os.close(fd)


def _open(folder: Path, prepare: Callable[[], None]) -> int:
    prepare()
    if (folder / LOCK).is_dir():
        put_aside(folder, folder / LOCK)
    with files.writing(folder):
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
