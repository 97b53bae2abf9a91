"""A new file of lines in its container: plain, gzip or zstd, always the same bytes for the same lines."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import pyarrow as pa

from prune.system.files import NewFile

CONTAINERS = (".gz", ".zst")
"""Suffixes behind that of the format; without one the lines lie in the file as they are."""

_LEVEL = 6  # of gzip's own command
_GZIP = zlib.MAX_WBITS | 16  # with a header, in which there is neither a time nor a name


class Codec(Protocol):
    """What `zlib` calls a compressor."""

    def compress(self, data: bytes, /) -> bytes:
        """Return what is ready."""

    def flush(self) -> bytes:
        """Return the rest."""


def container_of(name: str) -> str:
    """Return the suffix that says how a file is compressed; nothing where it is not."""
    return next((suffix for suffix in CONTAINERS if name.lower().endswith(suffix)), "")


@contextlib.contextmanager
def packed(out: NewFile, container: str) -> Iterator[Callable[[bytes], object]]:
    """Yield what appends bytes to the content of a file; its end is written when the block ends well.

    Nothing of pyarrow's writes to the disk itself, so that an error of the disk is raised as it is.
    """
    if not container:
        yield out.write
        return
    codec: Codec = _Zstd() if container == ".zst" else zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    yield lambda data: out.write(codec.compress(data))
    out.write(codec.flush())


class _Zstd:
    """One frame of zstd, as it grows; a second frame would be passed over by some readers."""

    def __init__(self) -> None:
        self._ready = _Ready()
        self._stream = pa.CompressedOutputStream(self._ready, "zstd")

    def compress(self, data: bytes, /) -> bytes:
        self._stream.write(data)
        return self._ready.take()

    def flush(self) -> bytes:
        self._stream.close()
        return self._ready.take()


class _Ready(io.RawIOBase):
    """Bytes that a stream has written and nobody has taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self._held.append(bytes(data))
        return len(self._held[-1])

    def take(self) -> bytes:
        """Return what was written since the last time."""
        held, self._held = self._held, []
        return b"".join(held)
