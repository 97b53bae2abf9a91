"""Names of files of lines: what stands before the suffixes, and names that differ on every file system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from prune.exporters.file_names import distinct, folder_names
from prune.exporters.lines.container import container_of
from prune.readers.folders.splits import words_in
from prune.readers.lines.txt import is_note


def plain_stem(name: str) -> str:
    """Return a path without the suffixes of its format and of its container: `sub/a` of `sub/a.jsonl.zst`."""
    plain = name[: len(name) - len(container_of(name))]
    path = PurePosixPath(plain)
    return str(path.with_suffix("")) if path.name.strip(".") else name


def apart(names: Sequence[str]) -> list[str]:
    """Return names that differ, the later of two with a number before its suffixes."""
    if len(set(names)) == len(names):
        return list(names)
    stems = [plain_stem(name) for name in names]
    ends = [name[len(stem) :] for name, stem in zip(names, stems, strict=True)]
    return [f"{stem}{end}" for stem, end in zip(distinct(stems), ends, strict=True)]


def class_files(classes: Sequence[str]) -> list[str]:
    """Return what the file of each class is called, without suffix: by its number where a name misleads.

    Readers take `test.txt` for a split, and pass over `words.txt`; `classes.csv` says what stands for what.
    """
    names = folder_names(classes)
    if any(words_in(name) or is_note(f"{name}.txt") for name in names):
        return [f"{row:0{len(str(len(names)))}d}" for row in range(len(names))]
    return names
