"""The files of records that a user means: one, those of a folder and its subfolders, those of a pattern."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.lines.containers import unpacked_name
from prune.readers.sample import refuse_unnameable
from prune.readers.tar.shard_list import from_pattern, is_pattern, refuse_missing


def is_named_like(name: str, suffixes: Sequence[str]) -> bool:
    """Whether a file is of such a suffix, compressed or not: `a.jsonl.zst`."""
    return unpacked_name(name).lower().endswith(tuple(suffixes))


def find_files(data: str, suffixes: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Return the root and the files of these suffixes below it, relative to it.

    Raises
    ------
    DataError
        There is no such file.
    OptionError
        The pattern is broken, or names a file twice.
    """
    path = Path(data)
    if path.is_dir():
        root, names = path, _in_folder(path, suffixes)
    elif not path.exists() and is_pattern(data):
        root, found = from_pattern(data, "")
        refuse_missing(root, found)
        names = [name for name in found if is_named_like(name, suffixes)]
    else:
        root, names = path.parent, [path.name] if path.is_file() else []
    if not names:
        raise DataError(
            f"there is no {suffixes[0]} file in {data}", "name the file, or the folder that holds it"
        )
    refuse_unnameable(root, names)
    return root, tuple(names)


def _in_folder(folder: Path, suffixes: Sequence[str]) -> list[str]:
    found: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = os.path.relpath(parent, folder)
        found += [
            name if below == "." else f"{below}/{name}"
            for name in names
            if not name.startswith(".") and is_named_like(name, suffixes)
        ]
    return sorted((name for name in found if (folder / name).is_file()), key=os.fsencode)
