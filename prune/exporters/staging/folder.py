"""The folder of an export in the making: built in parts beside its place, renamed into it when whole.

Everything goes to `.{name}.partial`. A finished part has a marker that lists its files with their checksums,
so the same command run again does not redo it; what another job left is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prune.core.errors import OutputError
from prune.exporters import place
from prune.exporters.place import DOT, EXPORT, is_folder
from prune.exporters.staging import existing_export
from prune.exporters.staging.part import ExportPart
from prune.system import files, locks
from prune.system.checksummed_json import sealed
from prune.system.disk_space import require_room
from prune.system.local_paths import real

_JOB = f"{DOT}/job.json"
_HOLDER = f"{DOT}/holder"
_PARTS = f"{DOT}/parts"
_LITTLE = 16 << 20  # bytes that are written again in no time: `done` tells whether a power cut has taken them


class StagingFolder:
    """Where an exporter writes: `if not folder.done(name): with folder.part(name) as part: part.write(…)`."""

    def __init__(self, out: Path, identity: str, *, apart: bool = False, single: bool = False) -> None:
        self.out = out
        self.identity = identity
        self.apart = apart or single  # what describes the export lies beside it
        self.single = single  # it is one file, written as `FILE`
        self.path = out.with_name(f".{out.name}.partial")
        self.old = out.with_name(f".{out.name}.old")
        self.complete = False  # this very export is in its place
        self.files: dict[str, dict[str, Any]] = {}  # of the finished parts
        self._unflushed = 0  # bytes of finished parts, about

    def done(self, name: str) -> bool:
        """Whether a part is finished and whole."""
        marker = self._marker(name)
        try:
            listed = files.read_json(marker)
        except (FileNotFoundError, ValueError):
            return False
        if existing_export.find_damage(self.path, listed) is not None:
            files.remove(marker)
            return False
        self.files |= listed
        return True

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[ExportPart]:
        """Write the files of a part; they count when the block ends without an error."""
        part = ExportPart(self.path)
        yield part
        self._unflushed += sum(entry["size"] for entry in part.files.values())
        if self._unflushed > _LITTLE:
            self.flush()
        files.write_unsynced(self._marker(name), _json(part.files))  # lost, the part is made again
        self.files |= part.files

    def flush(self) -> None:
        """Wait until the device has what was written: a power cut takes little of what comes after."""
        self._unflushed = 0
        files.sync_file_system(self.path)

    def take(self, listed: Mapping[str, Mapping[str, Any]]) -> None:
        """Count the files of a part that somebody else finished in this folder.

        Raises
        ------
        OutputError
            One of them is not here: the folder is not the same on all machines.
        """
        for name, entry in listed.items():
            path = self.path / name
            if not path.is_file() or path.stat().st_size != entry["size"]:
                hint = "name a folder that all machines share: --out DIR"
                raise OutputError(f"{name} was written elsewhere, and is not in {self.path}", hint)
            self.files[name] = dict(entry)

    def listing(self) -> dict[str, dict[str, Any]]:
        """Return the files of a complete export, with size and SHA-256 each."""
        export = existing_export.read_export(self.out)
        return export["files"] if export else {}

    def need(self, size: int) -> None:
        """Raise `OutputError` if `size` bytes will not fit; what is there already counts."""
        size -= sum(p.stat(follow_symlinks=False).st_size for p in self.path.rglob("*"))
        require_room(self.out, size, "free some space, or choose another place with --out")

    def finish(self, described: Mapping[str, Any], *, overwrite: bool) -> None:
        """Describe the export and give it its name: from here on it is there, whole."""
        self.flush()
        export = {
            **described,
            "format": existing_export.FORMAT,
            "identity": self.identity,
            "files": self.files,
        }
        files.write(self.path / EXPORT, _json(sealed(export)))
        self.publish(overwrite=overwrite)

    def publish(self, *, overwrite: bool) -> None:
        """Put the described export in its place; an earlier one steps aside first and is removed last."""
        with files.writing(self.out.parent):
            self._tidy()
            self.look(overwrite=overwrite)
            if existing_export.read_export(self.out) is not None:
                self._step_aside()
            place.show(self.path, self.out, apart=self.apart)
            existing_export.retire(self.old)
        self.complete = True

    def _step_aside(self) -> None:
        existing_export.retire(self.old)
        if self.old.exists():
            raise OutputError(f"{self.old} is in the way", "move it away and run the command again")
        place.hide(self.out, self.old)

    def look(self, *, overwrite: bool) -> bool:
        """Say whether this very export is in its place; raise `OutputError` if something else must stay."""
        if self.apart:
            existing_export.require_beside(self.out)
        return existing_export.is_complete(self.out, self.identity, overwrite=overwrite, single=self.single)

    @property
    def in_place(self) -> bool:
        """Whether nothing is left to do: the export is there, and nothing of the building is."""
        return self.complete and not self.old.exists() and not (self.single and self.path.exists())

    def settle(self) -> None:
        """Put together what a kill between two renames has left under two names."""
        parted = None if self.out.exists() else existing_export.read_export(self.out)
        if parted is not None:
            with files.writing(self.out.parent):
                any(place.settle(self.out, hidden, parted["files"]) for hidden in (self.path, self.old))

    def begin(self, *, overwrite: bool) -> None:
        """Take up the partial folder: go on with this job, or throw away another's."""
        present = {path.name for path in self.path.iterdir()}
        if present and not is_folder(self.path / DOT):
            raise OutputError(f"{self.path} is in the way: prune did not make it", "move it away")
        with files.writing(self.path):
            self._take_up()
        export = existing_export.read_export(self.path)
        if export is not None and existing_export.find_damage(self.path, export["files"]) is None:
            self.publish(overwrite=overwrite)  # killed between description and name: only the name is missing

    def _take_up(self) -> None:
        if is_folder(self.path / DOT) and self._job() != {"identity": self.identity}:
            self._clear()
        files.make_folder(self.path / DOT)
        files.write_unsynced(self.path / _HOLDER, locks.mark())
        if self._job() is None:
            files.write_json(self.path / _JOB, {"identity": self.identity})
        files.make_folder(self.path / _PARTS)
        files.sweep(self.path)

    def _job(self) -> Any:
        try:
            return files.read_json(self.path / _JOB)
        except (FileNotFoundError, ValueError):
            export = existing_export.read_export(self.path)
            return {"identity": export["identity"]} if export else None

    def _clear(self) -> None:
        """Empty the partial folder; what marks it as ours goes last."""
        for path in self.path.iterdir():
            if path.name == DOT:
                continue
            if is_folder(path):
                files.remove_tree(path)
            else:
                files.disk.remove(path)
        files.sync_file_system(self.path)
        files.remove_tree(self.path / DOT)

    def _tidy(self) -> None:
        """Remove what only the building needed."""
        parts = self.path / _PARTS
        if parts.exists():
            files.remove_tree(parts)
        files.disk.remove(self.path / _HOLDER)
        files.disk.remove(self.path / _JOB)
        files.sync_folder(self.path / DOT)

    def _marker(self, name: str) -> Path:
        return self.path / _PARTS / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.json"


@contextlib.contextmanager
def open_folder(
    out: Path,
    identity: str,
    *,
    sources: Sequence[Path] = (),
    apart: bool = False,
    single: bool = False,
    overwrite: bool = False,
    wait: Callable[[str], None] | None = None,
) -> Iterator[StagingFolder]:
    """Begin an export at `out`, or go on with it; `folder.complete` says that nothing is left to do.

    Parameters
    ----------
    out
        Where the export will be. It may be missing, an empty folder, or (with `overwrite`) an earlier export.
    identity
        Equal for equal jobs: what a killed run has finished is used only by the same job.
    sources
        The folder or the files that are read; `out` may neither lie in one nor hold it.
    apart
        Describe it beside `out`, as `OUT.prune`: every folder in it is a class.
    single
        It is one file, described beside it.
    wait
        Told of another process that exports to the same place, before waiting for it; None does not wait.

    Raises
    ------
    OutputError
        The place holds something else, or cannot be written to.
    StoreError
        Another process exports to the same place, and `wait` is None.
    """
    out = _place(out)
    for source in sources:
        place.check_apart(out, real(source))
    folder = StagingFolder(out, identity, apart=apart, single=single)
    if folder.old.is_symlink():
        raise OutputError(f"{folder.old} is in the way: it is a symbolic link", "move it away")
    folder.complete = folder.look(overwrite=overwrite)
    if folder.in_place:
        yield folder
        return
    files.make_folder(out.parent)
    with _locked(folder.path, wait), locks.alone_in(folder.path):
        folder.settle()
        folder.complete = folder.look(overwrite=overwrite)
        if folder.complete:
            with files.writing(out.parent):
                existing_export.retire(folder.old)
                existing_export.remove_empty(folder.path)
        else:
            folder.begin(overwrite=overwrite)
        yield folder


@contextlib.contextmanager
def _locked(path: Path, wait: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the partial folder; the kernel lets go when the process ends, however it ends."""
    fd = locks.opened(lambda: _open(path), path, path, lambda _: (path / _HOLDER).read_bytes(), wait)
    try:
        yield
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    if path.is_symlink():
        raise OutputError(f"{path} is in the way: it is a symbolic link", "move it away")
    files.make_folder(path)
    with files.writing(path):
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _place(out: Path) -> Path:
    out = real(out) if out.name in {"", ".."} else real(out.parent) / out.name
    if len(os.fsencode(out.name)) > existing_export.MAX_NAME_BYTES - len("..partial") or not out.name:
        raise OutputError(f"{str(out)!r} cannot be the name of an export", "choose another place with --out")
    return out


def _json(value: Any) -> bytes:
    """Return compact JSON with sorted keys: there may be a million files in it."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
