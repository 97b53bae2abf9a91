"""The layout of a folder: whether those in it are classes, or splits, or roles, or all one level deeper."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.first_entries import glance_paths
from prune.readers.folders.image_files import is_image
from prune.readers.folders.roles import (
    NOTES,
    PERHAPS_NOTES,
    PERHAPS_PICTURES,
    PICTURES,
    is_aside,
    is_no_data,
    notes_among,
    role_of,
)
from prune.readers.folders.splits import is_plain, splits_among

_STANDS = "--as imagefolder   # reads every folder as a class"
_STRAY = 3  # pictures in the root that say nothing about it
_MANY = 4  # ordinary classes, beside which two may be called `train` and `test`
_SHOWN = 6
_DEEP = 16  # levels


class LayoutError(DataError):
    """The folders are no classes, by all that they look like; the hint says what to name instead."""


class FolderGlance:
    """A folder, and what a glance at it says."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _entries(self) -> tuple[list[str], list[str]]:
        folders: list[str] = []
        files: list[str] = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                (folders if Path(entry.path).is_dir() else files).append(entry.name)
        return sorted(folders), files

    @cached_property
    def folders(self) -> list[str]:
        """Names of the folders that may hold data, also of linked ones."""
        return [name for name in self._entries[0] if not is_no_data(name)]

    @cached_property
    def pictures(self) -> int:
        """How many pictures lie in it, counted up to four."""
        count = 0
        for name in self._entries[1]:
            count += is_image(self.path, name)
            if count > _STRAY:
                break
        return count

    @cached_property
    def data_folders(self) -> list[str]:
        """Names of the folders with a picture somewhere below, but for those of annotations."""
        return list(self.looked())

    def looked(self) -> Iterator[str]:
        """Yield `data_folders`, looking into one after the other."""
        notes = notes_among(self.folders, pictures=self.pictures > 0, top=True)
        return (name for name in self.folders if name not in notes and holds_images(self.path / name))

    @property
    def is_nested(self) -> bool:
        """Whether all its pictures lie in folders."""
        return self.pictures == 0 and bool(self.data_folders)

    def inside(self, name: str) -> FolderGlance:
        """Return a folder in it."""
        return FolderGlance(self.path / name)


def holds_images(folder: Path) -> bool:
    """Whether a picture lies somewhere below; a cheap look."""
    return any(is_image(Path(parent), name) for parent, name in _glanced(folder))


def require_classes(root: Path, *, labels: bool) -> None:
    """Raise `LayoutError` where the folders of a root look like anything but classes.

    Parameters
    ----------
    labels
        Whether folders are to be read as labels; if not, their levels do not matter.
    """
    folder = FolderGlance(root)
    suspects = splits_among(folder.folders)
    if suspects and _are_splits(folder, suspects):
        raise _splits(folder, suspects)
    _refuse_roles(folder)
    if labels and folder.pictures <= _STRAY:
        _refuse_height(folder)


def pictures_of(root: Path) -> tuple[Path, list[str]]:
    """Return the folder of pictures in a root that holds one, and what lies beside it; or the root itself.

    `images`, `JPEGImages`: what such a folder is called says nothing of its pictures, and what lies beside it
    (`masks`, `SegmentationClass`) belongs to them.
    """
    beside: list[str] = []
    for _ in range(_DEEP):
        folder = FolderGlance(root)
        notes = [name for name in folder.folders if role_of(name) in {NOTES, PERHAPS_NOTES}]
        holding = _pictures_in(folder, notes)
        others = (
            [name for name in folder.looked() if name not in holding and not is_aside(name)]
            if holding
            else []
        )
        if len(holding) != 1 or others or folder.pictures > _STRAY:
            break
        root, beside = root / holding[0], beside + notes
    return root, beside


def _pictures_in(folder: FolderGlance, notes: list[str]) -> list[str]:
    """Return the folders that hold pictures by what they are called; beside annotations also `photos`."""
    roles = [name for name in folder.folders if role_of(name) in {PICTURES, PERHAPS_PICTURES}]
    return [
        name for name in roles if (role_of(name) == PICTURES or notes) and holds_images(folder.path / name)
    ]


def within_split(path: Path) -> Path:
    """Return the folder of a split, or the one inside it where its pictures lie: `train/images`."""
    for _ in range(_DEEP):
        folder = FolderGlance(path)
        below = folder.data_folders
        alone = len(below) == 1 and folder.pictures == 0
        if not (alone and (role_of(below[0]) == PICTURES or below[0].lower() == path.name.lower())):
            return path
        path = path / below[0]
    return path


def _are_splits(folder: FolderGlance, splits: dict[str, str]) -> bool:
    """Weigh names against what lies beside them: a class may be called `train`, among other classes."""
    holding = [name for name in splits if holds_images(folder.path / name)]
    if not holding:
        return False
    beside = [
        name
        for name in folder.data_folders
        if name not in splits and not is_aside(name) and role_of(name) not in {PICTURES, NOTES, PERHAPS_NOTES}
    ]
    nested = [name for name in holding if folder.inside(name).is_nested]
    if not beside:
        return True
    if len(set(splits.values())) > 1:
        return bool(nested) or len(beside) < max(_MANY, 2 * len(splits))
    if nested:
        return not _are_all_classes(folder, nested, beside)
    return not all(is_plain(name) for name in holding) and len(beside) < _MANY


def _are_all_classes(folder: FolderGlance, nested: list[str], beside: list[str]) -> bool:
    """Whether a nested `train` is one class of several that have folders in them, each of its own names."""
    inside = {name for split in nested for name in folder.inside(split).data_folders}
    others = [folder.inside(name) for name in beside]
    shared = any(inside & set(other.data_folders) for other in others)
    return not shared and sum(other.is_nested for other in others) > 1


def _splits(folder: FolderGlance, splits: dict[str, str]) -> LayoutError:
    holding = [name for name in splits if holds_images(folder.path / name)]
    choice = next((name for name in holding if splits[name] == "train"), holding[0])
    return LayoutError(
        f"{folder.path} holds splits, not classes: {_listed(holding)}",
        f"--split {choice}, or name {within_split(folder.path / choice)}; or {_STANDS}",
    )


def _refuse_roles(folder: FolderGlance) -> None:
    notes = [name for name in folder.folders if role_of(name) in {NOTES, PERHAPS_NOTES}]
    holding = _pictures_in(folder, notes)
    if not holding:
        return
    beside = [name for name in folder.looked() if name not in holding and not is_aside(name)]
    raise LayoutError(
        f"{folder.path} holds folders of pictures, no classes ({_listed(holding)}), and others: "
        f"{_listed(beside) or 'none'}",
        f"name {_meant(folder.path / holding[0])}; or {_STANDS}",
    )


def _refuse_height(folder: FolderGlance) -> None:
    below = list(islice((name for name in folder.looked() if not is_aside(name)), 2))
    if len(below) != 1 or not folder.inside(below[0]).is_nested:
        return
    meant = _meant(folder.path / below[0])
    if len(FolderGlance(meant).data_folders) > 1 or meant != folder.path / below[0]:
        raise LayoutError(
            f"{folder.path} is one folder too high: all its pictures lie in the folders of {below[0]}",
            f"name {meant}; or {_STANDS}",
        )


def _meant(path: Path) -> Path:
    """Return the folder below a path that holds the classes, or the pictures."""
    for _ in range(_DEEP):
        folder = FolderGlance(path)
        below = [name for name in folder.data_folders if not is_aside(name)]
        splits = splits_among(below)
        pictures = [name for name in below if role_of(name) == PICTURES]
        if splits and _are_splits(folder, splits):
            below = [next((name for name, split in splits.items() if split == "train"), next(iter(splits)))]
        elif pictures:
            below = pictures[:1]
        elif not (len(below) == 1 and folder.pictures <= _STRAY and folder.inside(below[0]).is_nested):
            return path
        path = path / below[0]
    return path


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _glanced(folder: Path) -> Iterator[tuple[str, str]]:
    return (os.path.split(path) for path in glance_paths(folder, links=True))
