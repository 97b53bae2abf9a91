"""The lines of a file, with where they lie; one that is too long is passed over without being held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

MAX_LINE_BYTES = 64 << 20
_READ = 1 << 20
_MARK = b"\xef\xbb\xbf"


class Bytes(Protocol):
    """What is read from, front to back."""

    size: int

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""


def lines_of(source: Bytes) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield first byte, size and content of every line, without its end; None for one over 64 MiB.

    A byte order mark before the first line is no part of it. Memory: one line and 1 MiB.
    """
    start, base = 0, 0  # of the line; of the bytes that are looked at
    held, length = list[bytes](), 0  # the line so far
    while base < source.size and (data := source.read(base, min(_READ, source.size - base))):
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            yield _line(start, base + end, [*held, data[begin:end]], length + end - begin)
            start, begin = base + end + 1, end + 1
            held, length = [], 0
        length += len(data) - begin
        held = [] if length > MAX_LINE_BYTES else [*held, data[begin:]]
        base += len(data)
    if start < base:
        yield _line(start, base, held, length)


def _line(start: int, stop: int, pieces: list[bytes], length: int) -> tuple[int, int, bytes | None]:
    if length > MAX_LINE_BYTES:
        return start, stop - start, None
    line = b"".join(pieces)
    mark = len(_MARK) if start == 0 and line.startswith(_MARK) else 0
    return start + mark, stop - start - mark, line[mark:].removesuffix(b"\r")
