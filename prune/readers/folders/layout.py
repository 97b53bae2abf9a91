"""The layout of a folder: whether those in it are classes, or splits, or roles, or all one level deeper."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from prune.core.errors import DataError, OptionError
from prune.readers.folders.folder_glance import STRAY, FolderGlance, holds_images
from prune.readers.folders.metadata import Metadata, files_in
from prune.readers.folders.parts import DatasetParts, parts_of
from prune.readers.folders.roles import NOTES, PERHAPS_NOTES, PERHAPS_PICTURES, PICTURES, is_aside, role_of
from prune.readers.folders.splits import is_plain, matching, splits_among

_STANDS = "--as imagefolder   # reads every folder as a class"
_ALL = "--no-labels reads all of them, --labels FILE takes labels from a table"
_MANY = 4  # ordinary classes, beside which two may be called `train` and `test`
_SHOWN = 6
_DEEP = 16  # levels


class LayoutError(DataError):
    """The folders are no classes, by all that they look like; the hint says what to name instead."""


@dataclass(frozen=True)
class PictureFolder:
    """Where the pictures of a dataset lie."""

    root: Path
    within: str = ""  # the folder in the root that they lie in, where the root keeps metadata of them
    notes: tuple[Path, ...] = ()  # folders beside theirs that hold what belongs to them

    @property
    def path(self) -> Path:
        """The folder of the pictures."""
        return self.root / self.within

    def entered(self, name: str, notes: list[Path]) -> PictureFolder:
        """Return a folder in it; the root stays where metadata lies, which names pictures from there."""
        notes_too = (*self.notes, *notes)
        if self.within or files_in(self.root, [""]):
            return PictureFolder(self.root, f"{self.within}/{name}".lstrip("/"), notes_too)
        return PictureFolder(self.root / name, "", notes_too)


def require_classes(place: PictureFolder, *, labels: bool) -> None:
    """Raise `LayoutError` where the folders of a root look like anything but classes.

    Parameters
    ----------
    labels
        Whether folders are to be read as labels; if not, it does not matter which hold what.
    """
    folder = FolderGlance(place.path)
    suspects = splits_among(folder.folders)
    if suspects and _are_splits(folder, suspects):
        raise _splits(folder, suspects)
    labels = labels and not describes_labels(place.root)
    _refuse_roles(folder, labels=labels)
    if labels and folder.pictures <= STRAY:
        _refuse_height(folder)
    _refuse_parts(folder, labels=labels)


def describes_labels(root: Path) -> bool:
    """Whether metadata in the root says what the labels are."""
    return any(Metadata(root, name).label_column for name in files_in(root, [""]))


def pictures_of(root: Path) -> PictureFolder:
    """Return the folder of pictures in a root that holds one; or the root itself.

    `images`, `JPEGImages`: what such a folder is called says nothing of its pictures, and what lies beside it
    (`masks`, `SegmentationClass`) belongs to them.
    """
    place = PictureFolder(root)
    for _ in range(_DEEP):
        folder = FolderGlance(place.path)
        notes = [name for name in folder.folders if role_of(name) in {NOTES, PERHAPS_NOTES}]
        holding = _pictures_in(folder, notes)
        others = (
            [name for name in folder.looked() if name not in holding and not is_aside(name)]
            if holding
            else []
        )
        if len(holding) != 1 or others or folder.pictures > STRAY:
            break
        place = place.entered(holding[0], [folder.path / name for name in notes])
    return place


def _pictures_in(folder: FolderGlance, notes: list[str]) -> list[str]:
    """Return the folders that hold pictures by what they are called; beside annotations also `photos`."""
    roles = [name for name in folder.folders if role_of(name) in {PICTURES, PERHAPS_PICTURES}]
    return [
        name for name in roles if (role_of(name) == PICTURES or notes) and holds_images(folder.path / name)
    ]


def split_folder(root: Path, split: str) -> str:
    """Return the folder that `--split` means, in any spelling.

    Raises
    ------
    OptionError
        There is none, or there are several.
    """
    folders = FolderGlance(root).folders
    found = matching(folders, split)
    if len(found) == 1:
        return found[0]
    if found:
        raise OptionError(
            f"{root} has several splits {split!r}",
            f"choose: --split {' or --split '.join(map(shlex.quote, found[:10]))}",
        )
    raise OptionError(f"{root} has no split {split!r}", f"it has: {', '.join(folders[:10]) or 'no folders'}")


def within_split(path: Path) -> PictureFolder:
    """Return the folder of a split, or the one inside it where its pictures lie: `train/images`."""
    place = PictureFolder(path)
    for _ in range(_DEEP):
        folder = FolderGlance(place.path)
        below = folder.data_folders
        alone = len(below) == 1 and folder.pictures == 0
        if not (alone and (role_of(below[0]) == PICTURES or below[0].lower() == place.path.name.lower())):
            break
        place = place.entered(below[0], [])
    return place


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
        f"--split {shlex.quote(choice)}, or name {within_split(folder.path / choice).path}; or {_STANDS}",
    )


def _refuse_roles(folder: FolderGlance, *, labels: bool) -> None:
    notes = [name for name in folder.folders if role_of(name) in {NOTES, PERHAPS_NOTES}]
    holding = _pictures_in(folder, notes)
    if not holding:
        return
    beside = [name for name in folder.looked() if name not in holding and not is_aside(name)]
    if not (labels or beside):
        return
    raise LayoutError(
        f"{folder.path} holds folders of pictures, no classes ({_listed(holding)}), and others: "
        f"{_listed(beside) or 'none'}",
        f"name {_meant(folder.path / holding[0])}; {'' if beside else _ALL + '; '}or {_STANDS}",
    )


def _refuse_parts(folder: FolderGlance, *, labels: bool) -> None:
    found = parts_of(folder)
    if found is not None and (labels or found.are_split):
        raise _parts(folder, found)


def _parts(folder: FolderGlance, parts: DatasetParts) -> LayoutError:
    listed, shared = _listed(list(parts.names)), _listed(list(parts.shared))
    if parts.are_split:
        return LayoutError(
            f"{folder.path} holds folders with splits in them ({shared}): {listed}",
            f"name {_meant(folder.path / parts.names[0])}; or {_STANDS}, of all splits",
        )
    same = f" hold the same folders ({shared})" if shared else ""
    return LayoutError(
        f"{folder.path} seems to hold parts of one dataset, not classes: {listed}{same}",
        f"--split {shlex.quote(parts.names[0])}; {_ALL}; or {_STANDS}",
    )


def _refuse_height(folder: FolderGlance) -> None:
    data = (n for n in folder.looked() if not is_aside(n) and role_of(n) != PERHAPS_NOTES)
    below = list(islice(data, 2))
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
        elif not (len(below) == 1 and folder.pictures <= STRAY and folder.inside(below[0]).is_nested):
            return path
        path = path / below[0]
    return path


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
