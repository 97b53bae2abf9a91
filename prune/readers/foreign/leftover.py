"""Data beside the files that are read, for the line after a scan: half a dataset may have another form."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from prune.modalities.image.suffixes import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
from prune.readers.folders.descriptions import is_description
from prune.readers.foreign.formats import matched, unread_suffix
from prune.readers.foreign.shell_lines import stem_of

Counted = tuple[tuple[str, int], ...]

_NOTES = {".csv", ".tsv", ".pkl", ".pickle", ".pt", ".pth"}  # beside data more often than data themselves
_DATA = (".parquet", ".arrow", ".tar", ".npy", ".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")  # behind the suffix of lines, which are read so
_OF_IMAGES = "metadata.jsonl"  # describes images, and is no data of its own
_PICTURES = {f".{suffix}" for suffix in IMAGE_SUFFIXES | FOREIGN_SUFFIXES}


def leftover(data: str, own: str, read: Collection[Path]) -> Counted:
    """Count what holds data and is not read, by its suffix.

    Parameters
    ----------
    data
        A folder or a pattern; of one file, nothing is left over.
    own
        The suffix of files that are read, which are left out by choice only, such as other splits.
    read
        Those that are read: an archive of one, beside it, is no more data.
    """
    there = {str(path) for path in read}
    found: Counter[str] = Counter()
    for file in _files(data):
        kind = _kind(file.name)
        if kind in (None, own) or str(file.with_name(f"{stem_of(file)}{own}")) in there:
            continue
        found[str(kind)] += 1
    return tuple(sorted(found.items()))


def _kind(name: str) -> str | None:
    if name.lower() == _OF_IMAGES:
        return None
    unpacked = name.lower()
    for packed in _PACKED:
        unpacked = unpacked.removesuffix(packed)
    suffix = unread_suffix(name) or f".{unpacked.rpartition('.')[2]}"
    known = suffix in _DATA or suffix in _PICTURES or unread_suffix(name) is not None
    return suffix if known and suffix not in _NOTES else None


def _files(data: str) -> Iterator[Path]:
    path = Path(data)
    if path.is_dir():
        for parent, folders, names in os.walk(path):
            folders[:] = [
                name
                for name in folders
                if not (name.startswith(".") or is_description(os.path.join(parent, name)))  # noqa: PTH118
            ]
            yield from (Path(parent, name) for name in names if not name.startswith("."))
    elif not path.exists():
        yield from matched(data)
