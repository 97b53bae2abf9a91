"""A folder as a look at it shows it: its folders, those with pictures below, its own pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from prune.readers.folders.descriptions import is_description
from prune.readers.folders.first_entries import glance_paths
from prune.readers.folders.image_files import is_image
from prune.readers.folders.roles import is_no_data, notes_among

STRAY = 3  # pictures in a folder that say nothing about it


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
                if not _is_folder(entry):
                    files.append(entry.name)
                elif not is_description(entry.path):
                    folders.append(entry.name)
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
            if count > STRAY:
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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a file costs no look of its own."""
    return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir(follow_symlinks=False)


def _glanced(folder: Path) -> Iterator[tuple[str, str]]:
    return (os.path.split(path) for path in glance_paths(folder, links=True))
