"""A piece of an export that is written in one go: a shard, or some thousand small files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prune.core.errors import OutputError
from prune.exporters.staging.existing_export import checked_path
from prune.system import files


class ExportPart:
    """Files written so far, by relative path, with size and SHA-256; the device is waited for at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, dict[str, Any]] = {}
        self._folders = {root}

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[files.NewFile]:
        """Write a large file; it has its name when the block ends without an error."""
        path = self._path(name)
        with files.new_file(path.parent) as out:
            yield out
            out.commit(path.name, durable=False)
        self._list(name, out.sha256, out.size)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        digest = files.write_unsynced(self._path(name), data)
        self._list(name, digest, len(data))

    def link(
        self, name: str, target: Path, read: Callable[[], bytes] | None = None, *, symbolic: bool
    ) -> None:
        """Make a link to a source file, and only then `read` its bytes: they are those that were linked to.

        Raises
        ------
        OutputError
            A hard link to another device, or to a file system that has none.
        """
        path = self._path(name)
        target = target if symbolic else Path(os.path.realpath(target))  # a link to a link leads elsewhere
        with files.writing(path.parent):
            try:
                self._link(target, path, symbolic)
            except OSError as error:
                if error.errno in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                    message = f"{target} cannot be linked to from {path.parent}: {error.strerror}"
                    raise OutputError(message, "copy instead: leave out --link, or give copy") from error
                raise
        digest = files.sha256(path) if read is None else hashlib.sha256(read()).hexdigest()
        self._list(name, digest, path.stat().st_size)
        if symbolic:
            self.files[name]["link"] = True

    def _link(self, target: Path, path: Path, symbolic: bool) -> None:
        try:
            files.disk.link(target, path, symbolic=symbolic)
        except FileExistsError:
            files.disk.remove(path)
            files.disk.link(target, path, symbolic=symbolic)

    def _list(self, name: str, digest: str, size: int) -> None:
        assert name not in self.files, f"{name} is written twice"
        self.files[name] = {"sha256": digest, "size": size}

    def _path(self, name: str) -> Path:
        path = self.root / checked_path(name)
        if path.parent not in self._folders:
            self._make_folder(path.parent)
        return path

    def _make_folder(self, folder: Path) -> None:
        """Make a folder one level at a time: a link that stands for a folder is not followed."""
        if folder in self._folders:
            return
        self._make_folder(folder.parent)
        with files.writing(folder):
            files.disk.make_folder(folder)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise OutputError(f"{folder} is not a folder of ours", "move it away and run the command again")
        self._folders.add(folder)


class ArrowSink(io.RawIOBase):
    """A new file that pyarrow writes to and cannot close: only its owner gives it a name."""

    def __init__(self, out: files.NewFile) -> None:
        super().__init__()
        self._out = out

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        """Append bytes."""
        return self._out.write(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._out.tell()
