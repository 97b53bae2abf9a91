"""A glance at a folder: its first entries, so that a million files cost no more than a few."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

_ENTRIES = 4096  # looked at in all
_EACH = 256  # looked at in one folder


def glance(folder: Path) -> Iterator[str]:
    """Yield names of files below a folder, the nearest first: of 4096 entries in all, 256 a folder.

    Hidden entries, linked folders and folders that cannot be read are passed over.
    """
    waiting = deque([os.fspath(folder)])
    seen = 0
    while waiting and seen < _ENTRIES:
        try:
            with os.scandir(waiting.popleft()) as found:
                entries = list(itertools.islice(found, _EACH))
        except OSError:
            continue
        seen += len(entries)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield entry.name
