"""Standard output and error on a full disk: a log that is lost stops nothing, lost results are said."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, TextIO

from prune.core.errors import OutputError
from prune.system.os_errors import reason_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_ELSEWHERE = "free some space there; what the command made is whole, only this text is lost"


def hold_streams() -> None:
    """From now on, drop what standard error does not take; what standard output does not take is an error."""
    sys.stdout = _over(sys.stdout, _Output)
    sys.stderr = _over(sys.stderr, _Log)


def _over(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    raw = kind(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=True
    )


class _Log(io.FileIO):
    """Where progress and errors go."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write what can be written; say that all of it was."""
        try:
            return super().write(data) or len(memoryview(data))
        except OSError:
            return len(memoryview(data))


class _Output(io.FileIO):
    """Where results go: fails once, and takes no more."""

    lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much as can be written.

        Raises
        ------
        OutputError
            No more can be.
        BrokenPipeError
            Whoever read it is gone.
        """
        if self.lost:
            return len(memoryview(data))
        try:
            return super().write(data)
        except BrokenPipeError:
            self.lost = True
            raise
        except OSError as error:
            self.lost = True
            raise OutputError(f"cannot write the output: {reason_of(error)[0]}", _ELSEWHERE) from error
