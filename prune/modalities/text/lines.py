"""The lines of a file, with where they lie; one that is too long is passed over without being held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

MAX_LINE_BYTES = 64 << 20
_READ = 1 << 20
_MARK = b"\xef\xbb\xbf"


class Bytes(Protocol):
    """What is read from, front to back."""

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""


class LineBlock(NamedTuple):
    """Lines that follow one another, without their line feeds."""

    start: int  # first byte of the first
    lines: list[bytes]
    too_long: int = 0  # bytes of a line over 64 MiB, which stands alone and is not held


def line_blocks(source: Bytes) -> Iterator[LineBlock]:
    """Yield all lines, about a megabyte of them at once.

    A byte order mark before the first line is no part of it. Memory: one line and 1 MiB.
    """
    start, base = 0, 0  # of the line; of the bytes that are looked at
    held, length = list[bytes](), 0  # the line so far
    while data := source.read(base, _READ):
        base += len(data)
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            first, start = _line(start, [*held, lines[0]], length + len(lines[0]))
            yield first
            start += 1
            if len(lines) > 1:
                yield LineBlock(start, lines[1:])
                start += sum(map(len, lines[1:])) + len(lines) - 1
            held, length = [], 0
        length += len(rest)
        held = [] if length > MAX_LINE_BYTES else [*held, rest]
    if length:
        yield _line(start, held, length)[0]


def lines_of(source: Bytes) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield first byte, size and content of every line, without its end; None for one over 64 MiB."""
    for start, lines, too_long in line_blocks(source):
        if too_long:
            yield start, too_long, None
        for line in lines:
            yield start, len(line), line[:-1] if line.endswith(b"\r") else line
            start += len(line) + 1


def _line(start: int, pieces: list[bytes], size: int) -> tuple[LineBlock, int]:
    """Return one line, and where it ends."""
    if size > MAX_LINE_BYTES:
        return LineBlock(start, [], size), start + size
    line = b"".join(pieces)
    mark = len(_MARK) if start == 0 and line.startswith(_MARK) else 0
    return LineBlock(start + mark, [line[mark:]]), start + size
