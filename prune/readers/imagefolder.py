"""An image folder: one file a sample, the first folder below the root is the class.

`cat/a/1.png` has the label `cat`; images that lie in the root itself have none. Every file with an image's
suffix, in any case, is a sample; other files and hidden ones (`.name`) are not. Links to files are read,
also when they lead elsewhere. Rejected with a reason: links to nothing, links to folders (never followed,
they may run in circles), pipes and devices, empty files, names that are not UTF-8.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.errors import DataError, OptionError
from prune.readers.group import IMAGE_SUFFIXES, MAX_IMAGE_BYTES, printable
from prune.readers.look import glance
from prune.readers.sample import RAW, Unit, image_digest, key_problem, with_sources
from prune.readers.shards import SPLITS

OPTIONS = ("split",)
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
        """None: each image has a digest of its own."""
        return ()

    def token(self, root: Path) -> str:
        """Stand for the files, and for what was rejected and why."""
        facts = [f"{name}\0{reason}" for name, reason in self.rejected.items()]
        return Unit("\0".join([self.name, *facts]), self.files).token(root)


def looks_like(path: Path) -> bool:
    """Say whether this is a folder with an image in it; a cheap look."""
    return path.is_dir() and any(_is_image(name) for name in glance(path))


def open_imagefolder(data: str, *, split: str | None = None) -> ImageFolder:
    """Open a folder of class folders, or of images.

    Parameters
    ----------
    data
        The folder.
    split
        Read the folder of this name in `data` instead; keys are relative to it.

    Raises
    ------
    OptionError
        There is no such split.
    DataError
        The folder is missing or holds no image, or holds splits and none is named.
    """
    root = Path(data)
    if not root.is_dir():
        raise DataError(f"{data} is not a folder", "name the folder that holds the class folders")
    if split is not None:
        root = _split_folder(root, split)
    else:
        _refuse_splits(root)
    reader = ImageFolder(root, split)
    if next(_entries(root), None) is None:
        raise DataError(
            f"there are no images in {root}", f"known suffixes: {' '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return reader


@dataclass(frozen=True)
class ImageFolder:
    """The images below `root`, which is the split's own folder where there are splits.

    In the order of their paths, folder by folder, names compared by their UTF-8 bytes: the same everywhere.
    """

    root: Path
    split: str | None = None
    format: str = field(default="imagefolder", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Nothing: a file is read in one way only."""
        return {}

    @property
    def places(self) -> Sequence[Path]:
        """The folder."""
        return (self.root,)

    def units(self) -> Iterator[Unit]:
        """Yield units of 65,536 files; no more names than these and one folder's are held at a time."""
        found = _entries(self.root)
        for number in itertools.count():
            entries = list(itertools.islice(found, UNIT_FILES))
            if not entries:
                return
            rejected = {name: reason for name, reason in entries if reason}
            names = [name for name, _ in entries]
            files = [name for name in names if name not in rejected] if rejected else names
            yield FolderUnit(f"files-{number:05d}", files, entries=names, rejected=rejected)

    def scan(self, unit: Unit) -> pa.Table:
        """Hash every image; no file stands for all, so there are no sources.

        Raises
        ------
        DataError
            A file cannot be read, and not for want of permission: reading it again may go well.
        """
        rejected = unit.rejected if isinstance(unit, FolderUnit) else {}
        entries = unit.entries if isinstance(unit, FolderUnit) else unit.files
        slices = [entries[at : at + _SLICE] for at in range(0, len(entries), _SLICE)]
        with ThreadPoolExecutor(_THREADS) as threads:
            rows = [
                row
                for part in threads.map(
                    lambda names: [self._row(name, rejected.get(name)) for name in names], slices
                )
                for row in part
            ]
        columns = zip(*rows, strict=True) if rows else ([] for _ in RAW)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, RAW, strict=True)]
        return with_sources(pa.Table.from_arrays(arrays, schema=RAW), {})

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the labels in text order, as torchvision numbers them."""
        return sorted(labels)

    def images(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each file.

        Raises
        ------
        DataError
            A file is gone or cannot be read.
        """
        for key in samples["key"].to_pylist():
            try:
                yield _read(self.root / key)
            except OSError as error:
                raise DataError(
                    f"{self.root / key} cannot be read: {_why(error)}",
                    "bring it back and run the command again; without it: add --refresh to embed or score",
                ) from error

    def _row(self, name: str, reason: str | None) -> list[Any]:
        key = printable(name)
        folder, slash, _ = key.partition("/")
        size, digest = None, None
        if reason is None:
            size, digest, reason = _content(self.root / name)
        reason = reason or key_problem(key)
        return [key, None, None, None, None, size, None, folder if slash else None, digest, reason]


def _content(path: Path) -> tuple[int | None, bytes | None, str | None]:
    try:
        size = path.stat().st_size
        if size == 0:
            return 0, None, "the file is empty"
        if size > MAX_IMAGE_BYTES:
            return size, None, f"the file is over {MAX_IMAGE_BYTES} bytes"
        data = _read(path)
    except PermissionError as error:
        return None, None, f"the file cannot be read: {_why(error)}"
    except OSError as error:
        raise DataError(f"{path} cannot be read: {_why(error)}", "run the command again") from error
    return len(data), image_digest(data), None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read()


def _why(error: OSError) -> str:
    return str(error.strerror).lower()


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.rpartition(".")[2].lower() in IMAGE_SUFFIXES and "." in name


def _entries(root: Path) -> Iterator[tuple[str, str | None]]:
    """Yield every image below the root, and why it cannot be read, in order; one open folder at a time."""
    waiting = [iter(_listing(root, ""))]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif entry[1] == _FOLDER:
            waiting.append(iter(_listing(root, entry[0] + "/")))
        else:
            name, reason = entry
            reason = _link_problem(root / name) if reason == _LINK else reason
            yield name, reason or (None if printable(name) == name else "the name is not UTF-8")


_FOLDER, _LINK = "a folder", "a link"


def _listing(root: Path, folder: str) -> list[tuple[str, str | None]]:
    """Return the folders and images of one folder, sorted by the bytes of their names."""
    try:
        with os.scandir(root / folder) as entries:
            found = [(entry.name, _kind(entry)) for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"{root / folder} cannot be read: {_why(error)}") from error
    found.sort(key=lambda entry: os.fsencode(entry[0]))
    return [(folder + name, kind) for name, kind in found if kind != ""]


def _kind(entry: os.DirEntry[str]) -> str | None:
    """Return what an entry is: a folder, a link, a reason to reject it, "" (no image) or None (an image)."""
    if entry.is_symlink():
        linked = Path(entry.path).is_dir()  # a link that runs in a circle is False here, an error in `entry`
        return (
            "is a link to a folder, and these are not followed"
            if linked
            else _LINK
            if _is_image(entry.name)
            else ""
        )
    if entry.is_dir(follow_symlinks=False):
        return _FOLDER
    if not _is_image(entry.name):
        return ""
    if not entry.is_file(follow_symlinks=False):
        return "is a pipe, socket or device, not a file"
    return None


def _link_problem(path: Path) -> str | None:
    try:
        target = os.path.realpath(path, strict=True)
        kind = os.stat(target).st_mode  # noqa: PTH116
    except OSError:
        return "is a link to nothing"
    return None if stat.S_ISREG(kind) else "is a link to something that is not a file"


def _folders(root: Path) -> list[str]:
    with os.scandir(root) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _split_folder(root: Path, split: str) -> Path:
    folders = _folders(root)
    if split not in folders:
        raise OptionError(
            f"{root} has no split {split!r}", f"it has: {', '.join(folders[:10]) or 'no folders'}"
        )
    return root / split


def _refuse_splits(root: Path) -> None:
    """Refuse a root whose only folders are splits: their names would become the classes."""
    folders = _folders(root)
    flat = any(kind is None or kind == _LINK for _, kind in _listing(root, ""))
    if folders and not flat and SPLITS.issuperset(name.lower() for name in folders):
        choice = next((name for name in folders if name.lower() == "train"), folders[0])
        raise DataError(
            f"{root} holds splits, not classes: {', '.join(folders)}",
            f"--split {choice}, or name {root / choice}",
        )
