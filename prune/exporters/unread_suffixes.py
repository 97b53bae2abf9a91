"""What readers of image folders pass over: files whose suffix is not on their list, whatever they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from prune.exporters.job import ExportJob
from prune.readers.folders.image_files import suffix_in

_words = str.split  # many words in few lines
TORCHVISION = frozenset(_words("jpg jpeg png ppm bmp pgm tif tiff webp"))
"""Suffixes of `torchvision.datasets.folder.IMG_EXTENSIONS`; timm has the first three."""

_SHOWN = 4  # kinds of names


def say_unread(job: ExportJob, files: Sequence[str]) -> None:
    """Say how many of the exported files an `ImageFolder` of torchvision does not list, and what does."""
    found = Counter(suffix_in(name) for name in files)
    unread = Counter({suffix: count for suffix, count in found.items() if suffix not in TORCHVISION})
    if not unread:
        return
    kinds = [f"{count:,} {_kind(suffix)}" for suffix, count in sorted(unread.items(), key=_by_count)]
    more = ["…"] if len(kinds) > _SHOWN else []
    job.reporter.say(
        f"{unread.total():,} of {len(files):,} files are not read by torchvision's ImageFolder, which goes by"
        f" the suffix ({', '.join(kinds[:_SHOWN] + more)}); --format webdataset or parquet has them all"
    )


def _kind(suffix: str) -> str:
    return f".{suffix}" if suffix else "without a suffix"


def _by_count(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]
