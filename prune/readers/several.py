"""A folder that holds data of several formats: which is meant, and what to type where that is open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prune.core.errors import DataError
from prune.readers.folders.first_entries import glance_paths
from prune.readers.format import Format


def one_of(found: list[str], formats: Mapping[str, Format], data: str) -> str:
    """Return the format that is meant: the only one of those that lie beside no other.

    Raises
    ------
    DataError
        Several could be it. The message names a file of each, the hint how to choose.
    """
    least = min(formats[name].only_alone for name in found)
    meant = [name for name in found if formats[name].only_alone == least]
    if len(meant) == 1:
        return meant[0]
    first, *others = sorted(found, key=lambda name: formats[name].only_alone)
    examples = _examples([first, *others], formats, Path(data))
    told = " and like ".join(f"{name}{examples.get(name, '')}" for name in (first, *others))
    choices = " or ".join(f"--as {name}" for name in others)
    raise DataError(f"{data} looks like {told}", f"--as {first}   # or {choices}")


def _examples(names: list[str], formats: Mapping[str, Format], folder: Path) -> dict[str, str]:
    """Return a file of each format in brackets, of those that are files: the first of a glance."""
    found: dict[str, str] = {}
    for path in map(Path, sorted(glance_paths(folder))):
        for name in names:
            if name not in found and formats[name].looks_like(path):
                found[name] = f" ({path.relative_to(folder)})"
        if len(found) == len(names):
            break
    return found
