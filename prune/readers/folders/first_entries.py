"""A glance at a folder: its first entries, so that a million files cost no more than a few."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from prune.readers.folders.descriptions import is_description

_ENTRIES = 4096  # looked at in all
_EACH = 256  # looked at in one folder


def glance(folder: Path) -> Iterator[str]:
    """Yield names of files below a folder, the nearest first: of 4096 entries in all, 256 a folder.

    Hidden entries, linked folders, folders that cannot be read or describe an export are passed over.
    """
    return (os.path.basename(path) for path in glance_paths(folder))  # noqa: PTH119 - text as found


def glance_paths(folder: Path, *, links: bool = False, entries: int = _ENTRIES) -> Iterator[str]:
    """Yield files below a folder, the nearest first; `links`: also of folders that are links.

    Links that run in a circle end with the entries that are looked at.
    """
    waiting = deque([os.fspath(folder)])
    seen = 0
    while waiting and seen < entries:
        try:
            with os.scandir(waiting.popleft()) as found:
                here = list(itertools.islice(found, _EACH))
        except OSError:
            continue
        seen += len(here)
        for entry in here:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry, links=links):
                waiting.extend([] if is_description(entry.path) else [entry.path])
            else:
                yield entry.path


def _is_folder(entry: os.DirEntry[str], *, links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:  # a link that runs in a circle
        return False
