"""One writer at a time: a lock of the kernel's, gone with the process that holds it, however it ended."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prune.core.errors import StoreError
from prune.system.executors.executor import is_starting

_PAUSE = 0.2  # seconds between two looks at a lock
_GLANCE = 0.1  # seconds that somebody may hold one who only looks whether it is held
_MARK_BYTES = 256


def opened(
    open_: Callable[[], int],
    path: Path,
    place: Path | str,
    holder: Callable[[int], bytes],
    wait: Callable[[str], None] | None,
) -> int:
    """Open and lock `path`; again where who held it before has moved it away. Closing it lets go.

    The other parameters and errors are those of `take`; `holder` gets what was opened.
    """
    while True:
        with contextlib.ExitStack() as undo:
            fd = open_()
            undo.callback(os.close, fd)
            take(fd, place, functools.partial(holder, fd), wait)
            if is_there(fd, path):
                undo.pop_all()
                return fd


def take(fd: int, place: Path | str, holder: Callable[[], bytes], wait: Callable[[str], None] | None) -> None:
    """Lock an open file or folder until it is closed.

    Where the file system has no locks, nothing is locked: two runs waste work, but never mix.

    Parameters
    ----------
    place
        What is locked, in the words of the user.
    holder
        Reads what `mark` wrote: for the message only.
    wait
        Told who is there, once, before waiting for it; None does not wait.

    Raises
    ------
    StoreError
        Another process holds it, and `wait` is None, or that process waits for this one to start.
    """
    told = False
    patient = time.monotonic() + _GLANCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < patient:
                time.sleep(_GLANCE / 10)
                continue
            busy = f"{place} is in use by {_named(holder)}"
            if wait is None or is_starting():
                raise StoreError(busy, "wait for it, or add --wait") from error
            if not told:
                wait(f"{busy}: waiting for it")
                told = True
            time.sleep(_PAUSE)
        except OSError:
            return
        else:
            return


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Turn the loss of a file of ours into a sentence: locks may do nothing, and somebody may tidy up.

    Raises
    ------
    StoreError
        A file in `folder` was not there any more.
    """
    try:
        yield
    except FileNotFoundError as error:
        place = Path(os.fsdecode(error.filename or "/")).absolute()
        if not place.is_relative_to(folder.absolute()):
            raise
        gone = f"{place} vanished: another command writes to {folder}, or somebody removed it"
        raise StoreError(gone, "wait for it, then run the same command again") from error


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file or folder; where there are no locks, nobody does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def mark(verb: str = "") -> bytes:
    """Return who holds a lock, for `holder`, and which command that is."""
    return f"{' '.join([socket.gethostname(), str(os.getpid()), *([verb] if verb else [])])}\n".encode()


def read_mark(path: Path) -> list[str]:
    """Return the words that `mark` wrote; none where they cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MARK_BYTES).decode(errors="replace").split()
    except OSError:
        return []


def is_there(fd: int, path: Path) -> bool:
    """Whether what is open still has this name: who held it before may have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except OSError:
        return False


def _named(holder: Callable[[], bytes]) -> str:
    words: list[str] = []
    with contextlib.suppress(OSError):
        words = holder().decode(errors="replace").split()
    if len(words) not in {2, 3}:
        return "another process"
    who = f"pid {words[1]} on {words[0]}"
    return who if len(words) == 2 else f"{who} (prune {words[2]})"
