"""The lines of a file, with where they lie; one that is too long is passed over without being held."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

MAX_LINE_BYTES = 64 << 20
_READ = 1 << 20
_MARK = b"\xef\xbb\xbf"


class Bytes(Protocol):
    """What is read from, front to back."""

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""


def lines_of(source: Bytes) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield first byte, size and content of every line, without its end; None for one over 64 MiB.

    A byte order mark before the first line is no part of it. Memory: one line and 1 MiB.
    """
    start, base = 0, 0  # of the line; of the bytes that are looked at
    held, length = list[bytes](), 0  # the line so far
    while data := source.read(base, _READ):
        base += len(data)
        whole = data.split(b"\n")
        rest = whole.pop()
        if whole:
            yield _line(start, [*held, whole[0]], length + len(whole[0]))
            start += length + len(whole[0]) + 1
            held, length = [], 0
        for line in itertools.islice(whole, 1, None):
            size = len(line)
            yield start, size, line[:-1] if line.endswith(b"\r") else line
            start += size + 1
        length += len(rest)
        held = [] if length > MAX_LINE_BYTES else [*held, rest]
    if length:
        yield _line(start, held, length)


def _line(start: int, pieces: list[bytes], size: int) -> tuple[int, int, bytes | None]:
    if size > MAX_LINE_BYTES:
        return start, size, None
    line = b"".join(pieces)
    mark = len(_MARK) if start == 0 and line.startswith(_MARK) else 0
    return start + mark, size - mark, line[mark:].removesuffix(b"\r")
