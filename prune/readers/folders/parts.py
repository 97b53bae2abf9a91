"""Folders that are parts of one dataset and no classes: folds, domains, numbered parts, splits of each.

Their names need not say it. What lies in them does: the folders of a class are its own, those of a part are
the same in every part, because they are the classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from prune.readers.folders.folder_glance import STRAY, FolderGlance
from prune.readers.folders.roles import is_aside
from prune.readers.folders.splits import split_of, splits_among, tokens

_LOOKED = 64  # folders of a root that are compared
_FEW = 8  # folders of a root that are taken for parts, though fewer folders lie in each
_DEEP = 8  # levels of folders that hold one folder only
_WORDS = "fold folds part parts split splits chunk batch shard set subset parte partie teil"
_PARTS = frozenset(_WORDS.split())
_OF_MANY = "subject person patient participant user camera cam session seq sequence video scene run day site"
_SOURCES = frozenset(_OF_MANY.split()) | _PARTS


@dataclass(frozen=True)
class DatasetParts:
    """Folders of a root that are no classes."""

    names: Sequence[str]
    shared: Sequence[str] = ()  # folders that lie in several of them

    @property
    def are_split(self) -> bool:
        """Whether each of them holds the splits of a dataset."""
        return len(set(splits_among(self.shared).values())) > 1


def parts_of(folder: FolderGlance) -> DatasetParts | None:
    """Return the folders of a root if they are parts of one dataset, as far as a look goes; else None."""
    if folder.pictures > STRAY:
        return None
    names = list(islice((name for name in folder.looked() if not is_aside(name)), _LOOKED))
    if len(names) < 2:
        return None
    shared = _shared(folder, names)
    found = DatasetParts(names, shared)
    few = len(folder.folders) <= max(_FEW, len(shared))
    numbered = _are_numbered(names, _SOURCES if shared else _PARTS)
    if (shared and few) or found.are_split or numbered:
        return found
    return None


def deeper(folder: FolderGlance, most: int = 3) -> list[str]:
    """Return some of the folders that lie side by side in a folder of a root, as paths below the root."""
    for name in islice(folder.looked(), _FEW):
        inside = _unwrapped(folder.inside(name))
        if len(inside.data_folders) > 1:
            below = inside.path.relative_to(folder.path)
            return [f"{below}/{one}" for one in inside.data_folders[:most]]
    return []


def _shared(folder: FolderGlance, names: Sequence[str]) -> list[str]:
    """Return the folders that lie in several folders of a root, if those hold hardly any others."""
    held: list[set[str]] = []
    for name in names:
        inside = _unwrapped(folder.inside(name))
        if inside.pictures > STRAY or not inside.data_folders:
            return []
        held.append(set(inside.data_folders))
    counts = Counter(name for of_one in held for name in of_one)
    shared = {name for name, count in counts.items() if count > 1}
    alike = all(2 * len(of_one & shared) >= len(of_one) for of_one in held)
    return sorted(shared) if alike and len(shared) > 1 else []


def _unwrapped(folder: FolderGlance) -> FolderGlance:
    """Return the folder in which those lie side by side: `images` of `amazon`, which holds no other."""
    for _ in range(_DEEP):
        below = folder.data_folders
        if len(below) != 1 or folder.pictures or split_of(below[0]):
            break
        folder = folder.inside(below[0])
    return folder


def _are_numbered(names: Sequence[str], things: frozenset[str]) -> bool:
    """Whether all are called alike after a thing, but for a number or letter: `part_1` and `part_2`."""
    cut = [tokens(name) for name in names]
    words = {tuple(word for word in of_one if not _counts(word)) for of_one in cut}
    return len(words) == 1 and bool(things & set(*words)) and all(map(_counts, (one[-1] for one in cut)))


def _counts(word: str) -> bool:
    return word.isdigit() or len(word) == 1
