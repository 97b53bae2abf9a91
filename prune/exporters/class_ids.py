"""Class ids of an export: those that the source has, also where sorted folder names would count otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from prune.core.errors import OptionError
from prune.exporters.file_names import folder_names
from prune.exporters.job import ExportJob
from prune.readers.huggingface import HuggingFace
from prune.readers.imagefolder import ImageFolder
from prune.readers.labels import exported_classes
from prune.readers.labels.exported_classes import ExportedClass
from prune.readers.webdataset import WebDataset

Empty = Literal["stop", "keep", "drop"]

_NUMBER = re.compile(r"0|-?[1-9]\d{0,17}")
_MANY = 1000  # ids that nothing has, so many beyond ten times the classes: no folders are made for them


@dataclass(frozen=True)
class ClassFolder:
    """A folder of an image folder, one for each id that the source has; `row` is its place in the classes."""

    name: str
    id: int
    row: int | None  # None: an id between others that no sample of the source has
    samples: int


def source_ids(job: ExportJob) -> list[int]:
    """Return the id that the source has for each class: the label itself where it is a whole number.

    Labels 0, 1, 2 and 4 are classes of four places; the fourth has the id 4. Where names stand for the ids (a
    ClassLabel, `classnames.txt`, sorted folders), the place is the id. An export may list ids of its own.
    """
    classes = job.dataset.classes
    listed = {one.name: one.id for one in _exported(job).values()}
    if listed and listed.keys() >= set(classes):
        return [listed[name] for name in classes]
    if _has_names(job) or not are_numbers(classes):
        return list(range(len(classes)))
    return [int(name) for name in classes]


def are_numbers(classes: Sequence[str]) -> bool:
    """Whether all class names are whole numbers, each written as Python writes it."""
    return all(_NUMBER.fullmatch(name) for name in classes)


def counts_up(ids: Sequence[int]) -> bool:
    """Whether ids are 0, 1, 2, …: the places of a list of names."""
    return list(ids) == list(range(len(ids)))


def class_folders(job: ExportJob, empty: Empty) -> list[ClassFolder]:
    """Return the folders of an export in the order of the ids, so that sorted they are counted like these.

    Those without samples are among them where they are kept, or dropped classes of the source.

    Raises
    ------
    OptionError
        Some would be empty, and `empty` is `stop`; or there is none for an id, and they are to be kept.
    """
    if is_class_root(job) and not _has_names(job) and not _exported(job):
        return []  # its folders are no classes
    kept = np.bincount(_kept_labels(job), minlength=len(job.dataset.classes))
    ids = source_ids(job)
    names = _folder_names(job, ids)
    there = {
        id_: ClassFolder(name, id_, row, int(kept[row]))
        for row, (name, id_) in enumerate(zip(names, ids, strict=True))
    }
    span = max(ids, default=-1) + 1
    if min(ids, default=0) < 0 or span > 10 * len(ids) + _MANY:
        if empty != "drop":
            raise OptionError(
                f"the labels go from {min(ids)} to {max(ids)}, and folders are counted from 0: other ids",
                "--empty-classes drop   # the ids are listed beside the folders",
            )
        return list(there.values())
    width = len(str(span - 1))
    folders = [there.get(id_, ClassFolder(f"{id_:0{width}d}", id_, None, 0)) for id_ in range(span)]
    lacking = [folder for folder in folders if not folder.samples]
    if lacking and empty == "stop":
        raise OptionError(_lacking(lacking, len(folders)), _CHOICES)
    return folders if empty == "keep" else [one for one in folders if one.row is not None]


def described(folders: Sequence[ClassFolder], classes: Sequence[str]) -> bytes:
    """Return which class and which id of the source a folder is, as csv."""
    names = ["" if folder.row is None else classes[folder.row] for folder in folders]
    return exported_classes.described(
        (folder.name, name, folder.id, folder.samples) for folder, name in zip(folders, names, strict=True)
    )


def is_class_root(job: ExportJob) -> bool:
    """Whether the samples lie in class folders already, whose names go along as they are."""
    return isinstance(job.reader, ImageFolder) and job.label_file is None


def _kept_labels(job: ExportJob) -> np.ndarray:
    labels = job.dataset.labels[job.rows]
    return labels[labels >= 0]


def _has_names(job: ExportJob) -> bool:
    """Whether ids are places in a list of names; without one, whole numbers are ids themselves."""
    reader = job.reader
    if job.label_file is not None:
        return False
    if isinstance(reader, WebDataset):
        return reader.names_file is not None
    if isinstance(reader, HuggingFace):
        return reader.class_names is not None
    return isinstance(reader, ImageFolder) and not (reader.labels_described or reader.no_labels)


def _exported(job: ExportJob) -> Mapping[str, ExportedClass]:
    """Return the classes that the source lists, where it is an export of folders or lines."""
    found: Mapping[str, ExportedClass] = getattr(job.reader, "exported", {})
    return found


def _folder_names(job: ExportJob, ids: Sequence[int]) -> list[str]:
    """Return a name for each class: its own where sorting keeps the order, else with its id in front."""
    classes = job.dataset.classes
    if is_class_root(job):
        folders = {one.name: one.folder for one in _exported(job).values()}
        return [folders.get(name, name) for name in classes]
    width = len(str(max(ids, default=0)))
    if [str(id_) for id_ in ids] == classes and min(ids, default=0) >= 0:
        return [f"{id_:0{width}d}" for id_ in ids]
    names = folder_names(classes)
    if names == sorted(names) and names == sorted(names, key=_as_timm_sorts):
        return names
    return [f"{row:0{width}d}_{name}" for row, name in enumerate(names)]


def _as_timm_sorts(name: str) -> list[tuple[int, int, str]]:
    """Return what numbers inside of names are compared by: 2 comes before 10, and case does not count."""
    words = re.split(r"(\d+)", name.lower())
    return [(0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words]


def _lacking(folders: Sequence[ClassFolder], count: int) -> str:
    shown = ", ".join(repr(folder.name) for folder in folders[:3])
    some = f"{len(folders)} of {count} classes keep no sample ({shown}{', …' if len(folders) > 3 else ''})"
    return f"{some}: readers that count the folders would give other classes new ids"


_CHOICES = (
    "--empty-classes keep   # empty folders, for ImageFolder(…, allow_empty=True); or drop: the ids are"
    " listed beside the folders"
)
