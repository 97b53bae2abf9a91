"""What readers of image folders pass over: files whose suffix is not on their list, whatever they hold."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from prune.exporters.job import ExportJob
from prune.exporters.place import beside
from prune.readers.folders.descriptions import is_description
from prune.readers.folders.image_files import suffix_in

_words = str.split  # many words in few lines
TORCHVISION = frozenset(_words("jpg jpeg png ppm bmp pgm tif tiff webp"))
"""Suffixes of `torchvision.datasets.folder.IMG_EXTENSIONS`; timm has the first three."""

_SHOWN = 4  # kinds of names
_NAMES = 3
_LOOKED_AT = 256  # entries of a folder


def say_unread(job: ExportJob, files: Sequence[str], *, linked: bool) -> None:
    """Say which of the exported files an `ImageFolder` of torchvision does not list, and what does.

    `linked`: they are links, so that they have the names of the source.
    """
    unread = [name for name in files if suffix_in(name.rpartition("/")[2]) not in TORCHVISION]
    if not unread:
        return
    found = Counter(suffix_in(name.rpartition("/")[2]) for name in unread)
    kinds = [f"{count:,} {_kind(suffix)}" for suffix, count in sorted(found.items(), key=_by_count)]
    more = ["…"] if len(kinds) > _SHOWN else []
    copies = "; copies, without --link, have the suffix of their bytes" if linked else ""
    job.reporter.say(
        f"{len(unread):,} of {len(files):,} files are not read by torchvision's ImageFolder, which goes by"
        f" the suffix ({', '.join(kinds[:_SHOWN] + more)}): {shown(unread)}; --format parquet, or"
        f" webdataset, has them all{copies}"
    )
    _say_unread_classes(job, files, set(unread))


def say_neighbours(job: ExportJob, out: Path, files: Sequence[str]) -> None:
    """Say it where the export seems to be a class itself: then what describes it would be another one."""
    if any("/" in name for name in files):
        return
    ours = {out, beside(out)}
    others = (
        path for path in sorted(out.parent.iterdir()) if path not in ours and not path.name.startswith(".")
    )
    if any(_holds_pictures(path) for path in others):
        job.reporter.say(
            f"a reader that takes the folders in {out.parent} for classes counts {out.name}.prune as one:"
            f" move that away before, and back for prune verify {shlex.quote(str(out))}"
        )


def _holds_pictures(folder: Path) -> bool:
    try:
        if not folder.is_dir() or is_description(str(folder)):
            return False
        names = [path.name for path in itertools.islice(folder.iterdir(), _LOOKED_AT)]
    except OSError:  # a folder of others, which this is no business of
        return False
    return any(suffix_in(name) in TORCHVISION for name in names)


def shown(names: Sequence[str]) -> str:
    """Return the first few of some names."""
    return ", ".join(names[:_NAMES]) + (", …" if len(names) > _NAMES else "")


def _say_unread_classes(job: ExportJob, files: Sequence[str], unread: set[str]) -> None:
    """Say which classes have no file that is read: `ImageFolder` stops at them."""
    read = {name.partition("/")[0] for name in files if name not in unread}
    lost = sorted({name.partition("/")[0] for name in unread if "/" in name} - read)
    if lost:
        job.reporter.say(
            f"classes of which ImageFolder reads nothing: {shown(lost)}; it needs allow_empty=True"
        )


def _kind(suffix: str) -> str:
    return f".{suffix}" if suffix else "without a suffix"


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
