"""Records joined into blocks of bytes, each record with its line end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
