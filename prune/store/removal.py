"""Removing a part of a store: out of sight in one rename, then file by file; a kill leaves a whole store."""

from __future__ import annotations

from pathlib import Path

from prune.system import files
from prune.system.os_errors import writing

_GONE = ".prune-gone"  # in a store: what is being removed


def retire(store: Path, path: Path) -> None:
    """Remove a file or folder of a store. Only for the holder of the lock."""
    clear(store)
    with writing(path.parent):
        files.disk.rename(path, store / _GONE)
    files.sync_folder(path.parent)
    clear(store)
    if path.parent.parent != store and path.parent != store and not any(path.parent.iterdir()):
        with writing(path.parent.parent):
            files.disk.remove_folder(path.parent)  # of the last column of its name


def remove_empty(folder: Path) -> None:
    """Remove the empty folders in a folder: of columns that were killed before they had anything."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not any(path.iterdir()):
            with writing(folder):
                files.disk.remove_folder(path)


def clear(store: Path) -> None:
    """Finish what a killed writer had begun to remove."""
    gone = store / _GONE
    if gone.is_dir():
        files.remove_tree(gone)
    elif gone.exists():
        files.remove(gone)


def left_in(store: Path) -> list[Path]:
    """Return what killed writers left: the next one removes it."""
    gone = [store / _GONE] if (store / _GONE).exists() else []
    left = {*gone, *store.rglob(".prune-*.tmp")}
    return sorted(path for path in left if left.isdisjoint(path.parents))
