"""A folder that stands where a file of ours belongs, or the other way round, is put aside by a writer."""

from __future__ import annotations

from pathlib import Path

from prune.store.layout import ASIDE, FILES, FOLDERS, TARGETS
from prune.system import files
from prune.system.os_errors import writing

_STORES = {TARGETS}  # what lies deeper in them is a store's own


def tidy(store: Path) -> None:
    """Make way for what is to be written, and lose nothing. Only for the holder of the lock."""
    for name in FILES:
        if (store / name).is_dir():
            put_aside(store, store / name)
    for name, levels in FOLDERS.items():
        _tidy(store, store / name, levels, inner=name not in _STORES)


def _tidy(store: Path, folder: Path, levels: int, *, inner: bool) -> None:
    if not folder.is_dir():
        if folder.exists():
            put_aside(store, folder)
        return
    if levels:
        for path in sorted(folder.iterdir()):
            _tidy(store, path, levels - 1, inner=inner)
    elif inner:
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                put_aside(store, path)


def put_aside(store: Path, path: Path) -> None:
    """Move something out of the way, into the folder `aside` of a store; an empty folder is removed."""
    with writing(path.parent):
        if path.is_dir() and not any(path.iterdir()):
            files.disk.remove_folder(path)
            return
    home, number = store / ASIDE, 1
    files.make_folder(home)
    while (place := home / f"{number}-{path.name}").exists():
        number += 1
    with writing(home):
        files.disk.rename(path, place)
    files.sync_folder(home)
