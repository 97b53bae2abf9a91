"""Where an export lies: its data at OUT, and what describes it in OUT, or beside a class root and one file.

A library that reads class folders counts every folder as a class, also one that starts with a dot. So the
description of an image folder is published as `OUT.prune/`, and so is that of an export that is one file,
which lies in the folder it is built in as `.prune-file`. While an export is built, and while an earlier
one steps aside, it lies inside, as `.prune-export/`: of two renames the one of the data is the commit, and
what a kill between them left is brought back inside before anything else is done.
"""

from __future__ import annotations

import itertools
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from prune.core.errors import OutputError
from prune.system import files

DOT = ".prune-export"  # of shards and tables: their readers pass over folders that start with a dot
_DESCRIPTION = "export.json"
EXPORT = f"{DOT}/{_DESCRIPTION}"
FILE = ".prune-file"  # of an export that is one file: what the list of its files calls OUT itself


def beside(out: Path) -> Path:
    """Return the folder that describes a class root from outside."""
    return out.with_name(f"{out.name}.prune")


def described(out: Path) -> Path:
    """Return the folder that describes the export at `out`, whether there is one or not."""
    inside = out / DOT
    return beside(out) if not is_folder(inside) and is_folder(beside(out)) else inside


def is_described(out: Path) -> bool:
    """Whether prune exported something here, whatever has become of it."""
    return is_folder(out / DOT) or (is_folder(beside(out)) and (beside(out) / _DESCRIPTION).is_file())


def located(out: Path, name: str) -> Path:
    """Return where a file lies that the description lists, or the description itself."""
    if name == FILE and not is_folder(out):
        return out
    rest = name.removeprefix(f"{DOT}/")
    return out / name if rest == name else described(out) / rest


def strange_files(out: Path, listed: dict[str, Any]) -> Iterator[str]:
    """Yield paths of files and folders of an export that are not listed, relative to it."""
    yield from _strange(out, "", listed)
    if described(out) != out / DOT:
        yield from _strange(beside(out), DOT, listed)


def folders_of(listed: dict[str, Any]) -> set[str]:
    """Return the folders of the listed files, relative to the export."""
    parents = {str(parent) for name in (*listed, EXPORT) for parent in PurePosixPath(name).parents}
    return parents - {"."}


def show(hidden: Path, out: Path, *, apart: bool) -> None:
    """Give a finished export its name; `apart`: first put what describes it beside."""
    if apart:
        files.disk.rename(hidden / DOT, beside(out))
        _settled(hidden, out.parent)
    if os.path.lexists(hidden / FILE):
        files.disk.rename(hidden / FILE, out)
        _settled(hidden, out.parent)
        files.disk.remove_folder(hidden)
    else:
        files.disk.rename(hidden, out)
    files.sync_folder(out.parent)


def hide(out: Path, hidden: Path) -> None:
    """Take the name from an export, with what describes it inside; its data may be gone already."""
    apart = described(out) != out / DOT
    if is_folder(out):
        files.disk.rename(out, hidden)
    else:
        files.disk.make_folder(hidden)
        if os.path.lexists(out):
            files.disk.rename(out, hidden / FILE)
            _settled(hidden)
    if apart:
        files.sync_folder(out.parent)
        files.disk.rename(beside(out), hidden / DOT)
        _settled(hidden, out.parent)


def settle(out: Path, hidden: Path, listed: dict[str, Any]) -> bool:
    """Bring a description back to the export that a kill parted it from; say whether that is this one."""
    parted = is_folder(hidden) and any(hidden.iterdir()) and not is_folder(hidden / DOT)
    if not parted or os.path.lexists(out) or next(_strange(hidden, "", listed), None) is not None:
        return False
    files.disk.rename(beside(out), hidden / DOT)
    _settled(hidden, out.parent)
    return True


def is_folder(path: Path) -> bool:
    """Whether this is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _settled(*folders: Path) -> None:
    for folder in folders:
        files.sync_folder(folder)


def _strange(root: Path, prefix: str, listed: dict[str, Any]) -> Iterator[str]:
    folders = folders_of(listed)
    for here, below, names in os.walk(root):
        base = Path(prefix) / Path(here).relative_to(root)
        for name in sorted(below):
            if str(base / name) not in folders or (Path(here) / name).is_symlink():
                yield str(base / name)
        for name in sorted(names):
            path = str(base / name)
            if path not in listed and path != EXPORT:
                yield path


def check_apart(out: Path, source: Path) -> None:
    """Raise `OutputError` where an export would lie in the dataset that it is made of, or hold it."""
    if out.is_relative_to(source):
        what = "is the dataset" if out == source else f"lies in the dataset {source}"
        raise OutputError(f"{out} {what}", _near(source, out.name))
    if source.is_relative_to(out):
        raise OutputError(f"{out} holds the dataset {source}", _near(source, f"{source.stem}-pruned"))


def _near(source: Path, name: str) -> str:
    """Return an option for a place beside the dataset that nothing has, of this name if it is free."""
    names = itertools.chain([name], (f"{source.stem}-pruned{end}" for end in _ENDS))
    free = next((one for one in names if not os.path.lexists(source.parent / one)), None)
    return _ELSEWHERE if free is None else f"--out {shlex.quote(os.path.relpath(source.parent / free))}"


_ENDS = ("", *(f"-{number}" for number in range(2, 100)))
_ELSEWHERE = "choose another place with --out"
