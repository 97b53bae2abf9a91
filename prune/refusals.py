"""A disk that takes no more, in our words: it is full, read-only, broken, or something is in the way."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from prune.errors import OutputError


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn the system's word on a full, broken or read-only disk into ours; only around what changes it."""
    try:
        yield
    except FileNotFoundError:  # something was removed behind our back: who holds the place says so
        raise
    except OSError as error:
        said = str(error.strerror or error).lower()
        reason, hint = _REASONS.get(error.errno or 0, (said, _RERUN))
        raise OutputError(f"cannot write to {place}: {reason}", hint) from error


_RERUN = "look whether another command writes there, then run the same command again"
_SPACE = "free some space, then run the same command again"
_ELSEWHERE = "choose another place with --store or --out"
_REASONS = {
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
