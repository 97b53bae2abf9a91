"""An image folder: one file a sample, the first folder below the root is the class.

`cat/a/1.png` has the label `cat`; images that lie in the root itself have none. A file with an image's
suffix, in any case, is a sample, and so is one without, or with an odd one, that begins as an image does;
others are counted, and hidden ones (`.name`) are nothing. Links to files and to folders are read, wherever
they lead. Rejected with a reason: links to nothing, pipes and devices, empty files, names that are not UTF-8.

Where `metadata.csv` (or `.jsonl`, `.parquet`) lies in a folder and has a column of labels, that is the
label: see `metadata`.

Folders whose names say that they are splits or roles (`train`, `images`, `annotations`) are no classes: see
`layout`. `--as imagefolder` reads every folder as a class.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.content import content_digest
from prune.core.errors import DataError
from prune.modalities.image.bit_depth import bits_used
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers.folders.file_content import content, read_file, reason_of
from prune.readers.folders.first_entries import glance_paths
from prune.readers.folders.image_files import is_image, may_be_image
from prune.readers.folders.layout import (
    PictureFolder,
    pictures_of,
    require_classes,
    split_folder,
    within_split,
)
from prune.readers.folders.layout_remarks import remarks_of, remarks_on
from prune.readers.folders.metadata import Metadata, files_in, folders_of, governing, label_text
from prune.readers.folders.walk import Walk, left_aside
from prune.readers.labels.exported_classes import ExportedClass, exported_classes, in_order, lists_all_folders
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, ReaderBase, Unit, key_problem, number_order, with_sources
from prune.readers.tar.samples import printable
from prune.system import files

UNIT_FILES = 65_536
_THREADS = 4  # hashing and reading let go of the interpreter lock
_SLICE = 256  # files a task


@dataclass(frozen=True)
class FolderUnit(Unit):
    """Some thousand files: `files` can be read, `rejected` cannot; `entries` are both in their order."""

    entries: Sequence[str] = ()
    rejected: Mapping[str, str] = field(default_factory=dict)

    @property
    def sources(self) -> Sequence[str]:
        """The metadata: each image has a digest of its own."""
        return self.optional

    def token(self, root: Path) -> str:
        """Stand for the files, and for what was rejected and why."""
        facts = [f"{name}\0{reason}" for name, reason in self.rejected.items()]
        return Unit("\0".join([self.name, *facts]), self.files, self.optional).token(root)


def looks_like(path: Path) -> bool:
    """Say whether this is a folder with an image in it; a cheap look."""
    return path.is_dir() and any(
        may_be_image(file.name) or is_image(file.parent, file.name)
        for file in map(Path, glance_paths(path, links=True))
    )


def open_imagefolder(
    data: str,
    *,
    split: str | None = None,
    no_labels: bool = False,
    as_it_stands: bool = False,
    settled: bool = False,
    labelled: bool = False,
) -> ImageFolder:
    """Open a folder of class folders, or of images.

    Parameters
    ----------
    data
        The folder.
    split
        Read the folder of this name in `data` instead, in any spelling; keys are relative to it.
    no_labels
        Whether folders are no labels.
    as_it_stands
        Whether every folder is a class, whatever its name says.
    settled
        Whether it was read before, so that the user has been asked what its folders mean.
    labelled
        Whether labels come from a file of their own.

    Raises
    ------
    OptionError
        There is no such split.
    LayoutError
        The folders look like splits or roles, or the classes lie one folder deeper.
    DataError
        The folder is missing or holds no image.
    """
    root = Path(data)
    if not root.is_dir():
        raise DataError(f"{data} is not a folder", "name the folder that holds the class folders")
    as_it_stands = as_it_stands or lists_all_folders(root)
    place = PictureFolder(root) if as_it_stands else pictures_of(root)
    notes = place.notes
    if split is not None:
        split = split_folder(place.path, split)
        place = PictureFolder(place.path / split) if as_it_stands else within_split(place.path / split)
    labels = not (no_labels or labelled)
    if not (as_it_stands or settled):
        require_classes(place, labels=labels)
    about = remarks_on(root, place, notes, split) if labels and not (as_it_stands or settled) else ()
    beside = tuple(folder.name for folder in notes if not folder.is_relative_to(place.root))
    reader = ImageFolder(place.root, split, no_labels, as_it_stands, beside, place.within, about)
    walk = Walk(place.root, as_it_stands)
    if next(walk.entries(), None) is None:
        raise _nothing_in(place.root, walk.passed_over)
    return reader


def _nothing_in(root: Path, passed_over: Mapping[str, int]) -> DataError:
    there = ", ".join(f"{count:,} {kind}" for kind, count in sorted(passed_over.items())[:8])
    return DataError(
        f"there are no images in {root}" + (f" that prune reads, but {there}" if there else ""),
        f"convert them to one of: {' '.join(sorted(IMAGE_SUFFIXES))}"
        if there
        else f"known suffixes: {' '.join(sorted(IMAGE_SUFFIXES))}",
    )


@dataclass(frozen=True)
class ImageFolder(ReaderBase):
    """The images below `root`, which is the split's own folder where there are splits.

    In the order of their paths, folder by folder, names compared by their UTF-8 bytes: the same everywhere.
    """

    root: Path
    split: str | None = None
    no_labels: bool = False  # folders are none
    as_it_stands: bool = False  # every folder is a class, whatever it is called
    beside: tuple[str, ...] = ()  # folders beside the root that hold what belongs to its pictures
    within: str = ""  # the folder in the root that all pictures lie in, and that is no class
    about: tuple[str, ...] = ()  # what to know of folders that are read as classes
    label_file: LabelFile | None = None
    format: str = field(default="imagefolder", init=False)
    modality: str = field(default="image", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Nothing but whether there are labels: a file is read in one way only."""
        return {"no_labels": True} if self.no_labels else {}

    @property
    def places(self) -> Sequence[Path]:
        """The folder."""
        return (self.root,)

    def units(self) -> Iterator[Unit]:
        """Yield units of 65,536 files; no more names than these and one folder's are held at a time."""
        walk = Walk(self.root, self.as_it_stands, Counter(map(left_aside, self.beside)))
        found = walk.entries()
        for number in itertools.count():
            entries = list(itertools.islice(found, UNIT_FILES))
            if not entries and not walk.passed_over:
                return
            passed_over, walk.passed_over = walk.passed_over, Counter()
            rejected = {name: reason for name, reason in entries if reason}
            names = [name for name, _ in entries]
            whole = [name for name in names if name not in rejected] if rejected else names
            name = f"files-{number:05d}"
            described = self._described(names)
            yield FolderUnit(
                name, whole, described, passed_over=passed_over, entries=names, rejected=rejected
            )

    def scan(self, unit: Unit) -> pa.Table:
        """Hash every image; only metadata stands for many, and is a source.

        Raises
        ------
        DataError
            A file cannot be read, and not for want of permission: reading it again may go well.
        """
        rejected = unit.rejected if isinstance(unit, FolderUnit) else {}
        entries = unit.entries if isinstance(unit, FolderUnit) else unit.files
        slices = [entries[at : at + _SLICE] for at in range(0, len(entries), _SLICE)]
        with ThreadPoolExecutor(_THREADS) as threads:
            found = [
                row
                for part in threads.map(
                    lambda names: [self._row(name, rejected.get(name)) for name in names], slices
                )
                for row in part
            ]
        rows, depths = [row for row, _ in found], Counter(bits for _, bits in found if bits)
        columns = zip(*rows, strict=True) if rows else ([] for _ in RAW)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, RAW, strict=True)]
        sources = {name: files.sha256(self.root / name) for name in unit.optional}
        return with_sources(pa.Table.from_arrays(arrays, schema=RAW), sources, depths=depths)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the labels in text order, as torchvision numbers them; those of metadata by value.

        Of an export, all classes that it lists, by their ids.
        """
        if self.exported and labels:
            return in_order(self.exported.values(), labels) or number_order(labels)
        return number_order(labels) if self.labels_described else sorted(labels)

    @cached_property
    def exported(self) -> Mapping[str, ExportedClass]:
        """The classes that an export lists beside it, by their folders; nothing of other data."""
        return {} if self.label_file is not None else exported_classes([self.root])

    @cached_property
    def metadata(self) -> dict[str, Metadata]:
        """Folder below the root -> its metadata; of the folders that `units` has come by."""
        return {}

    @property
    def labels_described(self) -> bool:
        """Whether labels come from metadata or a file of their own, not from the names of folders."""
        if self.label_file is not None:
            return True
        return not self.no_labels and any(found.label_column for found in self.metadata.values())

    @property
    def remarks(self) -> list[str]:
        """What to know of the labels; complete once `units` went by all metadata."""
        if self.label_file is not None or self.no_labels:
            return []
        own = [] if self.labels_described else list(self.about)
        return [*own, *remarks_of(self.metadata.values())]

    def _described(self, names: Sequence[str]) -> Sequence[str]:
        """Return the metadata files that may be about these images, and remember them."""
        found = files_in(self.root, folders_of([name for name in names if printable(name) == name]))
        for name in found:
            described = Metadata(self.root, name)
            self.metadata.setdefault(described.folder, described)
        return found

    def _label(self, key: str) -> str | None:
        found = None if self.no_labels else self._own_label(key)
        listed = self.exported.get(found) if found is not None else None
        return found if listed is None else listed.name

    def _own_label(self, key: str) -> str | None:
        about = governing(self.metadata, key)
        if about is not None and about.label_column is not None:
            return label_text(about.by_key.get(key, {}).get(about.label_column))
        below = key.removeprefix(f"{self.within}/") if self.within else key
        folder, slash, _ = below.partition("/")
        return folder if slash else None

    def payloads(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each file.

        Raises
        ------
        DataError
            A file is gone or cannot be read.
        """
        for key in samples["key"].to_pylist():
            try:
                yield read_file(self.root / key)
            except OSError as error:
                raise DataError(
                    f"{self.root / key} cannot be read: {reason_of(error)}",
                    "bring it back and run the command again; without it: add --refresh to embed or score",
                ) from error

    def _row(self, name: str, reason: str | None) -> tuple[list[Any], int | None]:
        """Return a file as a row, and the bits that it uses if it has sixteen."""
        key = printable(name)
        size, digest, bits = None, None, None
        if reason is None:
            size, data, reason = content(self.root / name)
            if data is not None:
                digest, bits = content_digest(data), bits_used(data)
        reason = reason or key_problem(key)
        return [key, None, None, None, None, size, None, self._label(key), digest, reason], bits
