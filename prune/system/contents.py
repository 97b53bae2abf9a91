"""What files hold, wherever they lie: on this machine, or as objects of a store that have a name here.

Whoever reads what a dataset's file holds opens it here; for a file of this machine that is one look at its
name more. Names, folders and sizes need nothing of this: objects have them on this machine, too.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import IO, Any, Protocol

from prune.core.errors import DataError
from prune.core.object_names import is_address, is_mirrored
from prune.system import files

_STEP = 16 << 20  # bytes of an object at a time


class OpenedFile(Protocol):
    """A file of which any bytes can be read."""

    size: int

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""

    def close(self) -> None:
        """Close the file."""


class LocalContent:
    """A file of this machine."""

    def __init__(self, path: Path | str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""
        return os.pread(self._fd, size, start)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def is_remote(path: Path | str) -> bool:
    """Whether what a path holds lies in an object store."""
    return is_mirrored(str(path))


def opened(path: Path) -> OpenedFile:
    """Open a file to read any bytes of it."""
    if not is_remote(path):
        return LocalContent(path)
    from prune.system.object_stores.remote_object import RemoteObject

    return RemoteObject(path)


def stream(path: Path) -> IO[bytes]:
    """Open a file as libraries read it: they seek and read."""
    if not is_remote(path):
        return path.open("rb")
    return io.BufferedReader(ContentStream(opened(path)), 1 << 16)


def descriptor(path: Path) -> int:
    """Open a file of which much is copied: of an object, a copy without a name, gone when it is closed."""
    if not is_remote(path):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    import tempfile

    content = opened(path)
    with tempfile.TemporaryFile(dir=_scratch(path)) as copy:
        for start in range(0, content.size, _STEP):
            copy.write(content.read(start, _STEP))
        copy.flush()
        return os.dup(copy.fileno())


def local(path: Path) -> Path:
    """Return where a file's bytes lie on this machine; of an object, a copy of all of it that is kept."""
    if not is_remote(path):
        return path
    from prune.system.object_stores import mirror

    facts = mirror.known(path)
    name = hashlib.sha256(f"{mirror.address_of(path)}\0{facts.evidence}".encode()).hexdigest()[:32]
    place = mirror.home_of(path) / "copies" / name / path.name
    try:
        os.utime(place)  # copies that nobody asked for lately go when room is needed
    except FileNotFoundError:
        content = opened(path)
        with files.new_file(place.parent) as out:
            for start in range(0, content.size, _STEP):
                out.write(content.read(start, _STEP))
            out.commit(place.name)
    return place


def whole(path: Path) -> bytes:
    """Return all that a small file holds."""
    if not is_remote(path):
        return path.read_bytes()
    content = opened(path)
    return content.read(0, content.size)


def sha256(path: Path) -> str:
    """Return the digest of what a file holds."""
    if not is_remote(path):
        return files.sha256(path)
    digest, content = hashlib.sha256(), opened(path)
    for start in range(0, content.size, _STEP):
        digest.update(content.read(start, _STEP))
    return digest.hexdigest()


def evidence(path: Path) -> str | None:
    """Return what tells an object from a later one of its name, as it was listed; None where it is gone."""
    from prune.system.object_stores import mirror

    try:
        return mirror.known(path).evidence
    except FileNotFoundError:
        return None


def evidence_now(path: Path) -> str:
    """Return the same as the store tells it now.

    Raises
    ------
    FileNotFoundError
        The object is gone.
    """
    from prune.system.object_stores.listing import seen_again

    return seen_again(path).evidence


def file_at(place: str | Path) -> Path:
    """Return the path of one file that the user named; of an address, of a copy on this machine.

    Raises
    ------
    DataError
        There is no object at the address.
    """
    if not is_address(str(place)):
        return Path(place)
    from prune.system.object_stores.listing import mirrored

    path = mirrored(str(place))
    if not path.is_file():
        raise DataError(f"there is no file at {place}", "look whether the address is right")
    return local(path)


def _scratch(path: Path) -> Path:
    from prune.system.object_stores import mirror

    folder = mirror.home_of(path) / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class ContentStream(io.RawIOBase):
    """OpenedFile as a stream of its own place."""

    def __init__(self, content: OpenedFile) -> None:
        self._content, self._at = content, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._content.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, or as much of it as there is."""
        view = memoryview(buffer).cast("B")
        data = self._content.read(self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the content, too."""
        if not self.closed:
            self._content.close()
        super().close()
