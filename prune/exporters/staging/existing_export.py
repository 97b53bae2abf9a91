"""What stands where an export should go: nothing, this very export, an earlier one, or strange files."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from pathlib import Path
from typing import Any

from prune.core.errors import OutputError
from prune.exporters.place import (
    DOT,
    EXPORT,
    beside,
    described,
    folders_of,
    is_described,
    is_folder,
    located,
    strange_files,
)
from prune.system import files
from prune.system.local_paths import real

FORMAT = 1  # raised when an older version could no longer read `export.json`
MAX_NAME_BYTES = 255  # of one component, on every file system in use

_ELSEWHERE = "choose another place with --out"


def checked_path(name: str) -> str:
    """Return a relative path that stays inside the folder it is joined to.

    Raises
    ------
    OutputError
        It is absolute, climbs out, or has a component that no file system takes.
    """
    parts = name.split("/")
    if (
        "\0" in name
        or any(p in {"", ".", ".."} for p in parts)
        or any(len(p.encode(errors="surrogatepass")) > MAX_NAME_BYTES for p in parts)
        or any("\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" for c in name)
    ):
        raise OutputError(f"{name!r} cannot be the name of a file in an export", "rename it in the source")
    return name


def read_export(folder: Path) -> dict[str, Any] | None:
    """Return what an export says of itself, or None where there is none that can be read."""
    try:
        if not is_folder(described(folder)):
            return None
        export = files.read_record(located(folder, EXPORT))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not isinstance(export.get("files"), dict) or not isinstance(export.get("format", 0), int):
        return None
    if not all(_is_entry(entry) for entry in export["files"].values()):
        return None
    if export.get("format", 0) > FORMAT:
        raise OutputError(f"{folder} was exported by a newer version of prune", _ELSEWHERE)
    for name in export["files"]:
        checked_path(name)
    return export


def _is_entry(entry: Any) -> bool:
    kinds = {"size": int, "sha256": str}
    return isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in kinds.items())


def find_damage(folder: Path, listed: dict[str, Any]) -> str | None:
    """Name the first listed file that is missing or has other bytes, or return None."""
    for name, expected in listed.items():
        path = located(folder, name)
        name = path.name if path == folder else name
        try:
            link = stat.S_ISLNK(os.lstat(path).st_mode)
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return f"{name} is missing"
        if link != expected.get("link", False):
            return f"{name} is not the file that was written"
        if size != expected["size"] or files.sha256(path) != expected["sha256"]:
            return f"{name} has changed"
    return None


def is_complete(out: Path, identity: str, *, overwrite: bool, single: bool = False) -> bool:
    """Say whether this very export is there already; False: the place may be taken.

    `single`: the export is one file, for which an empty folder is no place.

    Raises
    ------
    OutputError
        The place holds something that must not be replaced.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir() and not is_described(out)):
        kind = "symbolic link" if out.is_symlink() else "file"
        raise OutputError(f"{out} is a {kind}", _where_it_leads(out) or _ELSEWHERE)
    if not out.exists():
        return False
    export = read_export(out)
    if export is None:
        description = located(out, EXPORT)
        if description.exists():
            hint = f"move it away, then export again; or {_ELSEWHERE}"
            raise OutputError(f"{out} is damaged: {description} cannot be read", hint)
        if any(out.iterdir()):
            raise OutputError(f"{out} exists and is not a prune export", _ELSEWHERE)
        if single:
            raise OutputError(f"{out} is a folder, and what is written is one file", _ELSEWHERE)
        return False
    same = export.get("identity") == identity
    damage = find_damage(out, export["files"]) if same else None
    if same and damage is None:
        return True
    if not overwrite:
        what = f"is damaged: {damage}" if damage else "holds another export"
        raise OutputError(f"{out} {what}", "add --overwrite to replace it, or choose another --out")
    refuse_strange(out, export)
    return False


def _where_it_leads(out: Path) -> str | None:
    """Return an option for the folder that a link stands for, where it stands for one."""
    return f"--out {shlex.quote(str(real(out)))}" if out.is_symlink() and out.is_dir() else None


def require_beside(out: Path) -> None:
    """Raise `OutputError` if something of others stands where a class root is described from outside."""
    place = beside(out)
    if not os.path.lexists(place):
        return
    ours = is_folder(place) and described(out) == place and read_export(out) is not None
    if not ours and not (is_folder(place) and not any(place.iterdir())):
        raise OutputError(f"{place} is in the way: prune did not make it", f"move it away, or {_ELSEWHERE}")


def refuse_strange(out: Path, export: dict[str, Any]) -> None:
    """Raise `OutputError` if the folder holds anything that the export does not list."""
    name = next(strange_files(out, export["files"]), None)
    if name is not None:
        raise OutputError(
            f"{out} holds {name!r}, which prune did not write", f"move it away, or {_ELSEWHERE}"
        )


def retire(old: Path) -> None:
    """Remove an earlier export: what it lists, its description last, then the folders that are left empty.

    Raises
    ------
    OutputError
        It is a link, or holds what it does not list: a linked folder could lead to files of others.
    """
    if old.is_symlink():
        raise OutputError(f"{old} is in the way: it is a symbolic link", "move it away")
    export = read_export(old)
    if export is not None:
        refuse_strange(old, export)
        for name in sorted(export["files"]):
            files.disk.remove(old / name)
        for folder in sorted(folders_of(export["files"]) - {DOT}, reverse=True):
            remove_empty(old / folder)
        files.sync_file_system(old)  # what says which files are ours goes last, also in a power cut
        files.disk.remove(old / EXPORT)
    remove_empty(old / DOT)  # also what is left of one that a killed run has begun to remove
    remove_empty(old)


def remove_empty(folder: Path) -> None:
    """Remove a folder if it is there and empty."""
    try:
        files.disk.remove_folder(folder)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTEMPTY, errno.ENOTDIR}:
            raise
