"""Records joined into blocks of bytes: each with its line end, or as the elements of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prune.readers.lines.json import ArrayFrame

_BLOCK = 1 << 20  # bytes, or one record


def joined(records: Iterable[bytes], end: bytes = b"\n") -> Iterator[bytes]:
    """Yield the records, each followed by `end`, about a megabyte at a time."""
    held: list[bytes] = []
    size = 0
    for record in records:
        held.append(record)
        size += len(record)
        if size >= _BLOCK:
            yield end.join((*held, b""))
            held, size = [], 0
    if held:
        yield end.join((*held, b""))


def framed(records: Iterable[bytes], frame: ArrayFrame) -> Iterator[bytes]:
    """Yield the records as elements of an array, about a megabyte at a time."""
    held, size = [frame.heading], 0
    before = b""
    for record in records:
        held += [before, record]
        before = frame.between
        size += len(record)
        if size >= _BLOCK:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join((*held, frame.ending))
