"""Disk space: a long run that will not fit stops before it begins."""

from __future__ import annotations

import shutil
from pathlib import Path

from prune.core.errors import OutputError
from prune.core.safe_text import size


def require_room(
    place: Path, needed: int, hint: str = "free some space, or choose another place with --store"
) -> None:
    """Compare what is still to be written with what is free.

    Parameters
    ----------
    place
        Where it will lie; it need not exist yet.
    needed
        Bytes, without those that are there already.

    Raises
    ------
    OutputError
        They do not fit.
    """
    free = free_disk(place)
    if free is not None and needed > free:
        raise OutputError(f"{place} needs about {size(needed)}, {size(free)} are free", hint)


def free_disk(place: Path) -> int | None:
    """Return the bytes that are free where something will lie; None where the disk does not tell."""
    there = next(folder for folder in [place, *place.absolute().parents] if folder.exists())
    disk = shutil.disk_usage(there)
    return disk.free if disk.total else None
