"""Images whose suffix readers do not know, and whose bytes they do: copies have the suffix of their bytes.

`photo`, `1.jpg?w=300`, `2.jfif` and a JPEG called `3.gif` are pictures to prune, and nothing to a reader that
goes by suffixes. Their bytes stay as they are; a name that another sample of the dataset has is not taken.
"""

from __future__ import annotations

import csv
import io
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from prune.exporters.file_names import folded
from prune.exporters.job import ExportJob
from prune.exporters.side_files import Sides
from prune.exporters.staging.existing_export import MAX_NAME_BYTES
from prune.exporters.unread_suffixes import TORCHVISION, shown
from prune.modalities.image import suffix_of
from prune.modalities.image.sniff import HEAD
from prune.modalities.image.suffixes import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
from prune.readers.folders.image_files import suffix_in
from prune.readers.imagefolder import ImageFolder
from prune.system.os_errors import reading

_KNOWN = re.compile(
    rf"({'|'.join(sorted(IMAGE_SUFFIXES | FOREIGN_SUFFIXES, key=len, reverse=True))})(?![a-z0-9])"
)


def renamed(job: ExportJob, reader: ImageFolder) -> dict[str, str]:
    """Return another name for each exported file that needs one: path in the source -> path in the export.

    Raises
    ------
    DataError
        A file is gone.
    """
    keys = job.column("key").to_pylist()
    wanted = {key: suffix for key in keys if (suffix := readable_suffix(reader.root, key))}
    if not wanted:
        return {}
    taken = {folded(key) for key in (*job.dataset.keys, *Sides(reader).linked(set(keys)))}
    found: dict[str, str] = {}
    for key, suffix in wanted.items():
        name = _free(key, suffix, taken)
        if name is not None:
            taken.add(folded(name))
            found[key] = name
    return found


def readable_suffix(root: Path, key: str) -> str | None:
    """Return the suffix that the bytes of a file have, if readers know it and not the file's own."""
    if suffix_in(key.rpartition("/")[2]) in TORCHVISION:
        return None
    with reading(root / key, "bring it back, or remove it"), (root / key).open("rb") as file:
        suffix = suffix_of(file.read(HEAD))
    return suffix if suffix in TORCHVISION else None


def _free(key: str, suffix: str, taken: Collection[str]) -> str | None:
    """Return a name that nothing has: the suffix in place of that of an image, or behind all of the name."""
    stem, own = posixpath.splitext(key)
    behind = f"{key}.{suffix}"
    names = [f"{stem}.{suffix}", behind] if _KNOWN.match(own[1:].lower()) else [behind]
    for name in (*names, *(f"{key}_{number}.{suffix}" for number in range(2, len(taken) + 3))):
        if folded(name) not in taken:
            return name if len(name.rpartition("/")[2].encode()) <= MAX_NAME_BYTES else None
    return None


def say_renamed(job: ExportJob, names: Mapping[str, str], place: Path) -> None:
    """Say which files are called otherwise than in the source; `place`: where they are listed."""
    if names:
        pairs = shown([f"{old} is {new}" for old, new in names.items()])
        have = "file has" if len(names) == 1 else "files have"
        job.reporter.say(
            f"{len(names):,} {have} the suffix of the bytes, which readers go by: {pairs}; {place} has all"
        )


def listed(names: Mapping[str, str]) -> bytes:
    """Return what files are called, as csv."""
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    out.writerow(["key", "file_name"])
    out.writerows(names.items())
    return sink.getvalue().encode(errors="surrogatepass")


def called(keys: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Return what the files of some keys are called."""
    return [names.get(key, key) for key in keys]
