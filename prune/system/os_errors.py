"""Errors of the system in our words: a disk is full, read-only, broken, or something is in the way."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from prune.core.errors import DataError, OutputError


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the system's word on a full, broken or read-only disk into ours; only around what changes it."""
    try:
        yield
    except FileNotFoundError:  # something was removed behind our back: who holds the place says so
        raise
    except OSError as error:
        reason, hint = reason_of(error)
        raise OutputError(f"cannot write to {place}: {reason}", hint) from error


@contextlib.contextmanager
def adding_to(folder: Path) -> Iterator[None]:
    """As `writing`, around what makes a file or a folder in one that is there.

    /proc and its like say of a new name that it is not there: that is no folder removed behind our back.
    """
    with writing(folder):
        try:
            yield
        except FileNotFoundError as error:
            if not folder.is_dir():
                raise
            raise OutputError(f"cannot write to {folder}: it takes no new files", _ELSEWHERE) from error


def require_writable(folder: Path) -> None:
    """Raise `OutputError` at once where a folder takes no files, before hours of work for one."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {folder}: it takes no new files", _ELSEWHERE)


@contextlib.contextmanager
def reading(place: object, hint: str = "") -> Iterator[None]:
    """Turn the system's word on what cannot be read into ours."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{place} cannot be read: {str(error.strerror).lower()}", hint) from error


def reason_of(error: OSError) -> tuple[str, str]:
    """Return what the system refused, and what to do about it."""
    said = str(error.strerror or error).lower()
    return _REASONS.get(error.errno or 0, (said, _RERUN))


def lift(error: BaseException | None) -> str:
    """Return the command that lifts the limit of the shell that was met, reading or writing; else nothing."""
    return _LIMITS.get(getattr(error, "errno", None) or 0, ("", ""))[1]


_RERUN = "look whether another command writes there, then run the same command again"
_SPACE = "free some space, then run the same command again"
_ELSEWHERE = "choose another place with --store or --out"
_FILES = ("too many open files", "ulimit -n 1024   # then run the same command again")
_LIMITS = {
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.EFBIG: (
        "a file may not grow so large",
        "ulimit -f unlimited   # the limit of the shell; then run the same command again",
    ),
}
_REASONS = {
    **_LIMITS,
    errno.ENOSPC: ("no space left", _SPACE),
    errno.EDQUOT: ("the quota is used up", _SPACE),
    errno.EROFS: ("it is read-only", _ELSEWHERE),
    errno.EACCES: ("permission denied", _ELSEWHERE),
    errno.EPERM: ("permission denied", _ELSEWHERE),
    errno.EIO: ("input/output error", "check the disk, then run the same command again"),
    errno.ENAMETOOLONG: ("the name is too long", _ELSEWHERE),
    errno.ENOTDIR: ("a part of the path is a file", _ELSEWHERE),
    errno.EEXIST: ("a file is in the way", _ELSEWHERE),
    errno.ELOOP: ("a link is in the way", _ELSEWHERE),
}
