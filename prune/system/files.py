"""The one place that writes files: beside, flushed, renamed.

A file written here exists whole or not at all, also after a kill, a full disk or a power cut. Every call that
changes the disk goes through `disk`, so that a test can make the third write fail.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prune.system.checksummed_json import unsealed
from prune.system.os_errors import adding_to
from prune.system.os_errors import writing as writing
from prune.system.parallel_digest import ParallelDigest

_PREFIX, _SUFFIX = ".prune-", ".tmp"
_COPY_BLOCK = 1 << 20  # bytes a read; larger blocks leave the cache
_BEHIND = 8 << 20  # bytes written, of which the device gets to know: at the end little is left to wait for


class Disk:
    """The system calls that change a disk."""

    def create(self, path: Path) -> int:
        """Open a new file; one that exists, or a link, is an error."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of `data`; return how many bytes went."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Flush a file or a folder to the device."""
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno != errno.EINVAL:  # of a folder, on some file systems of a network
                raise

    def begin_sync(self, fd: int, offset: int, size: int) -> None:
        """Let the system begin to write some of a file to the device, and wait for nothing."""
        if _sync_file_range is not None:
            _sync_file_range(fd, ctypes.c_int64(offset), ctypes.c_int64(size), _BEGIN_WRITING)

    def sync_all(self, fd: int) -> None:
        """Flush the whole file system that holds an open file: thousands of small files at once."""
        if _syncfs is None:
            os.sync()
        elif _syncfs(fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or a folder its name; a file of that name is replaced."""
        os.replace(old, new)  # noqa: PTH105 - beside its siblings

    def remove(self, path: Path) -> None:
        """Remove a file; a missing one is fine."""
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def make_folder(self, path: Path) -> None:
        """Make a folder in one that is there; an existing one is fine."""
        path.mkdir(exist_ok=True)

    def link(self, target: Path, path: Path, *, symbolic: bool) -> None:
        """Make a hard or a symbolic link at `path`."""
        if symbolic:
            path.symlink_to(target)
        else:
            path.hardlink_to(target)


_system = ctypes.CDLL(None, use_errno=True)
_syncfs, _sync_file_range = (getattr(_system, name, None) for name in ("syncfs", "sync_file_range"))
_BEGIN_WRITING = 2  # SYNC_FILE_RANGE_WRITE
disk = Disk()


class NewFile:
    """A file that is being written; it has no name until `commit`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self._begun = 0  # bytes that are on their way to the device
        self._digest = ParallelDigest()
        self._temporary = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        self._fd = disk.create(self._temporary)
        self._committed = False

    def write(self, data: bytes | memoryview) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        self.size += len(view)
        with self._digest.taking(view), writing(self.folder):
            _write_all(self._fd, view)
        if self.size - self._begun >= _BEHIND:
            disk.begin_sync(self._fd, self._begun, self.size - self._begun)
            self._begun = self.size
        return len(view)

    def copy(self, fd: int, offset: int, size: int) -> None:
        """Append `size` bytes of an open file, from `offset`; a file that ends before is an `EOFError`."""
        end = offset + size
        while offset < end:
            block = os.pread(fd, min(_COPY_BLOCK, end - offset), offset)
            if not block:
                raise EOFError(f"the source ends at byte {offset}, {end - offset} bytes early")
            self.write(block)
            offset += len(block)

    def flush(self) -> None:
        """Nothing to do; here so that libraries take this for a file."""

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes so far."""
        return self._digest.hexdigest()

    def commit(self, name: str, *, durable: bool = True) -> Path:
        """Flush, then give the file its name in one rename.

        If it is not to be `durable` on its own, `sync_file_system` has to follow.
        """
        path = self.folder / name
        with writing(self.folder):
            if durable:
                disk.sync(self._fd)
            disk.rename(self._temporary, path)
            self._committed = True
        if durable:
            sync_folder(self.folder)
        return path

    def close(self) -> None:
        """Close; a file that was not committed is removed."""
        self._digest.close()
        with writing(self.folder):
            try:
                os.close(self._fd)
            finally:
                if not self._committed:
                    disk.remove(self._temporary)


@contextlib.contextmanager
def new_file(folder: Path) -> Iterator[NewFile]:
    """Write a file of any length: `out.write(…)`, then `out.commit(name)`; without `commit` nothing stays.

    Raises
    ------
    OutputError
        The disk is full, or the folder cannot be written to.
    """
    make_folder(folder)
    with adding_to(folder):
        out = NewFile(folder)
    try:
        yield out
    finally:
        out.close()


def write(path: Path, data: bytes) -> str:
    """Write a whole file; return its SHA-256."""
    with new_file(path.parent) as out:
        out.write(data)
        out.commit(path.name)
        return out.sha256


def write_unsynced(path: Path, data: bytes) -> str:
    """Write a small file in place; return its SHA-256. It is durable once `sync_file_system` returns.

    Only for files that something else declares whole, such as the marker of a part: one of that name, which
    a killed writer may have left cut short, is replaced.
    """
    with writing(path.parent):
        fd = _create_again(path)
        try:
            _write_all(fd, memoryview(data))
        finally:
            os.close(fd)
    return hashlib.sha256(data).hexdigest()


def _write_all(fd: int, rest: memoryview) -> None:
    while rest:
        rest = rest[disk.write(fd, rest) :]


def _create_again(path: Path) -> int:
    try:
        return disk.create(path)
    except FileExistsError:
        disk.remove(path)
        return disk.create(path)


def write_json(path: Path, value: Any) -> str:
    """Write a value as `json_bytes`; return its SHA-256."""
    return write(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON text: equal values are equal bytes."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(
        errors="backslashreplace"  # half characters, as of file names that are not UTF-8, stay JSON
    )


def read_json(path: Path) -> Any:
    """Read a JSON file; one that is no JSON, or nested too deeply, is a `ValueError`."""
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError(f"{path} is nested too deeply") from error


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object, and whose seal fits; anything else is a `ValueError`."""
    return unsealed(read_json(path))


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_folder(path: Path) -> None:
    """Make a folder and its parents, each to outlast a power cut; an existing one is fine."""
    with writing(path):
        if not path.is_dir():
            make_folder(path.parent)
            with adding_to(path.parent):
                disk.make_folder(path)
            sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file; a missing one is fine."""
    with writing(path.parent):
        disk.remove(path)


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that a rename in it outlasts a power cut."""
    _flush(folder, disk.sync)


def sync_file_system(folder: Path) -> None:
    """Flush all that was written to the file system of `folder`."""
    _flush(folder, disk.sync_all)


def _flush(folder: Path, sync: Callable[[int], None]) -> None:
    with writing(folder):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync(fd)
        finally:
            os.close(fd)


def sweep(folder: Path) -> None:
    """Remove what a killed writer left behind below this folder. Only for the holder of the lock."""
    for path in folder.rglob(f"{_PREFIX}*{_SUFFIX}"):
        remove(path)


def remove_tree(folder: Path) -> None:
    """Remove a folder that we made, without following links out of it."""
    with writing(folder):
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                disk.remove_folder(path)
            else:
                disk.remove(path)
        disk.remove_folder(folder)
