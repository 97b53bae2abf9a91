"""The files of records that a user means: one, those of a folder and its subfolders, those of a pattern."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.descriptions import is_description
from prune.readers.folders.splits import words_in
from prune.readers.lines.containers import unpacked_name
from prune.readers.sample import refuse_unnameable
from prune.readers.split_choice import by_split, choose, split_of_file
from prune.readers.tar.shard_list import from_pattern, is_pattern, refuse_missing


@dataclass(frozen=True)
class LineFiles:
    """Files of one split, relative to the root, in order."""

    root: Path
    names: tuple[str, ...]
    split: str | None = None
    whole: bool = False  # the folder was named, not its files
    others: tuple[str, ...] = ()  # files of the other splits


def is_named_like(name: str, suffixes: Sequence[str]) -> bool:
    """Whether a file is of such a suffix, compressed or not: `a.jsonl.zst`."""
    return name.lower().endswith(tuple(suffixes)) or unpacked_name(name).lower().endswith(tuple(suffixes))


def find_files(
    data: str, suffixes: Sequence[str], split: str | None, *, passed: Callable[[str], bool] = lambda _: False
) -> LineFiles:
    """Return the files of these suffixes, of one split where their names say that there are splits.

    Parameters
    ----------
    data
        A file, a folder or a pattern.
    split
        Which split; of several `train`, if not given. A single file that is named is read whatever it is.
    passed
        Whether a file of a folder, by its path in it, is none of the data.

    Raises
    ------
    DataError
        There is no such file.
    OptionError
        There is no such split, or the pattern is broken or names a file twice.
    """
    path = Path(data)
    if path.is_dir():
        root, names = path, [name for name in _in_folder(path, suffixes) if not passed(name)]
    elif not path.exists() and is_pattern(data):
        root, found = from_pattern(data, "")
        names = [name for name in found if is_named_like(name, suffixes)]
        refuse_missing(root, names)
    else:
        root, names = path.parent, [path.name] if path.is_file() else []
    if not names:
        kinds = " or ".join(suffixes)
        raise DataError(f"there is no {kinds} file in {data}", "name the file, or the folder that holds it")
    refuse_unnameable(root, names)
    if path.is_file():
        chosen = None if split is None else choose([split_of_file(names[0]) or "train"], split, path)
        return LineFiles(root, tuple(names), chosen)
    if split is None and not any(map(words_in, names)):
        return LineFiles(root, tuple(names), whole=path.is_dir())
    splits = by_split(names)
    chosen = choose(sorted(splits), split, data)
    others = tuple(name for name in names if name not in set(splits[chosen]))
    return LineFiles(root, tuple(splits[chosen]), chosen, path.is_dir(), others)


def _in_folder(folder: Path, suffixes: Sequence[str]) -> list[str]:
    found: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or is_description(os.path.join(parent, name)))  # noqa: PTH118
        ]
        below = os.path.relpath(parent, folder)
        found += [
            name if below == "." else f"{below}/{name}"
            for name in names
            if not name.startswith(".") and is_named_like(name, suffixes)
        ]
    return sorted((name for name in found if (folder / name).is_file()), key=os.fsencode)
