"""The bytes that a file holds, front to back: as it lies there, or unpacked where its suffix says so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from prune.core.errors import DataError
from prune.core.safe_text import one_line
from prune.readers.foreign.shell_lines import word
from prune.readers.hashing_file import HashingFile
from prune.system import contents
from prune.system.os_errors import reading

CODECS = {".gz": "gzip", ".zst": "zstd"}  # suffix -> name of the codec
_MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
_SKIPPABLE = b"\x2a\x4d\x18"  # behind one byte: a frame of zstd that holds no data
_STEP = 1 << 20  # bytes that are unpacked at once
MOST_TIMES = 1100  # its size that a file may unpack to; gzip reaches 1,032, and texts ten
_SMALL = 8 << 20  # bytes that any may unpack to


def codec_of(name: str) -> str | None:
    """Return the codec that a file's name stands for; None for a plain file."""
    return next((codec for suffix, codec in CODECS.items() if name.lower().endswith(suffix)), None)


def unpacked_name(name: str) -> str:
    """Return the name of what a file holds: `a.jsonl` of `a.jsonl.zst`."""
    return name.rpartition(".")[0] if codec_of(name) else name


class HashedContent:
    """What a file holds, read once from front to back; the file as it lies there is hashed on the way.

    Raises
    ------
    DataError
        The file cannot be opened, or is not of the kind that its suffix says.
    """

    def __init__(self, path: Path) -> None:
        self._file = HashingFile(path)
        try:
            codec = _checked_codec(path, self._file.read(0, 4))
        except DataError:
            self._file.__exit__(None, None, None)
            raise
        self._unpacked = _Unpacked(path, codec, _onward(self._file)) if codec else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end; `start` is where the last read ended."""
        if self._unpacked is None:
            return self._file.read(start, size)
        return self._unpacked.take(size)

    def sha256(self) -> str:
        """Read what is left of the file; return the hex digest of all of it."""
        return self._file.sha256()


class FileContent:
    """What a file holds, at any place: quick where places ascend, of a compressed file from its start else.

    Memory: one piece and 1 MiB.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            self._file = contents.stream(path)
        self._codec: str | None = None
        try:
            self._codec = _checked_codec(path, self._file.read(4))
        except DataError:
            self._file.close()
            raise
        self._unpacked: _Unpacked | None = None
        self._begin, self._data = 0, b""  # what is at hand of the content

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""
        if self._codec is None:
            with reading(self.path):
                self._file.seek(start)
                return self._file.read(size)
        if self._unpacked is None or start < self._begin:
            self._file.seek(0)
            self._unpacked = _Unpacked(self.path, self._codec, self._file.read)
            self._begin, self._data = 0, b""
        if start + size > self._begin + len(self._data):
            self._advance(self._unpacked, start, start + size)
        at = start - self._begin
        return self._data[at : at + size]

    def _advance(self, unpacked: _Unpacked, start: int, stop: int) -> None:
        """Unpack up to `stop`; keep what lies behind `start`."""
        begin, parts = self._begin, [self._data]
        end = begin + len(self._data)
        while end < stop and (block := unpacked.take(_STEP)):
            if end <= start:  # all that is at hand lies before
                begin, parts = end, []
            parts.append(block)
            end += len(block)
        passed = min(max(0, start - begin), end - begin)
        self._begin, self._data = begin + passed, b"".join(parts)[passed:]


def head_of(path: Path, size: int) -> bytes:
    """Return the first bytes that a file holds.

    Raises
    ------
    DataError
        It cannot be read or unpacked.
    """
    with FileContent(path) as content:
        return content.read(0, size)


def _onward(file: HashingFile) -> Callable[[int], bytes]:
    """Return what reads a file from front to back."""
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        data = file.read(at, size)
        at += len(data)
        return data

    return read


class _Packed:
    """A file as pyarrow reads from it, with the bytes counted; closed by who opened it.

    It knows nothing of who unpacks: what pyarrow holds is freed with its last holder, and in no other way.
    """

    closed = False

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read, self.count = read, 0

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self.count += len(data)
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the file open."""


class _Unpacked:
    """The content of a compressed file, in steps; one frame or member after the other.

    What unpacks to so many times its size is no text: each of its empty lines would take time, and each of
    its short ones a row.
    """

    def __init__(self, path: Path, codec: str, read: Callable[[int], bytes]) -> None:
        self._path, self._codec, self._made = path, codec, 0
        self._packed = _Packed(read)
        self._stream = pa.CompressedInputStream(pa.PythonFile(self._packed, mode="r"), codec)

    def take(self, size: int) -> bytes:
        with _unpacking(self._path, self._codec):
            data: bytes = self._stream.read(size)
        self._made += len(data)
        if self._made > max(_SMALL, MOST_TIMES * self._packed.count):
            unpack = f"{_UNPACKS[self._codec]} {word(self._path)}"
            raise DataError(
                f"{self._path} unpacks to over {MOST_TIMES:,} times its size, which texts do not",
                f"{unpack}   # where that is meant; then name the file that it writes",
            )
        return data


_UNPACKS = {"gzip": "gunzip -k", "zstd": "zstd -d"}


@contextlib.contextmanager
def _unpacking(path: Path, codec: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        said = (isinstance(error, OSError) and error.strerror) or str(error)
        raise DataError(
            f"{path} cannot be unpacked: {one_line(said).lower()}",
            f"copy or make the file again: it is cut short, or no whole file of {codec}",
        ) from error


def _checked_codec(path: Path, head: bytes) -> str | None:
    """Return the codec of a file; an empty file holds nothing, whatever it is called."""
    codec = codec_of(path.name)
    if codec is None or not head:
        return None
    if head.startswith(_MAGIC[codec]) or (codec == "zstd" and head[1:4] == _SKIPPABLE):
        return codec
    raise DataError(
        f"{path} is called {path.suffix} and is no file of {codec}",
        f"file {word(path)}   # says what it is; give it the name of that",
    )
