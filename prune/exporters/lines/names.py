"""Names of files of lines: what stands before the suffixes, and names that differ on every file system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from prune.exporters.file_names import distinct
from prune.exporters.lines.container import container_of


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
