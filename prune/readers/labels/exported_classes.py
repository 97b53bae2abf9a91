"""Classes of an exported dataset: what stands for each in it, and their ids, as its `classes.csv` says."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prune.system import files

NAME = "classes.csv"  # in what describes an export
COLUMNS = ("folder", "class", "id", "samples")
_INSIDE, _BESIDE = ".prune-export", ".prune"


@dataclass(frozen=True)
class ExportedClass:
    """One class; `folder` is what stands for it in the export."""

    folder: str
    name: str
    id: int


def exported_classes(places: Iterable[Path]) -> dict[str, ExportedClass]:
    """Return the classes of the first export among these places, by what stands for them there.

    Nothing where there is no export, or its list cannot be read: then folders and labels are what they say.
    """
    for place in map(Path.absolute, places):  # `.` has a name, too
        beside = place.with_name(f"{place.name}{_BESIDE}") if place.name else place
        for description in (place / _INSIDE, beside):
            if (description / NAME).is_file() and is_of(description, place):
                return _read(description / NAME)
    return {}


def is_of(description: Path, place: Path) -> bool:
    """Whether some file of the export lies there yet: its description stays where only data is removed."""
    try:
        listed = list(files.read_json(description / "export.json")["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return True  # nothing says otherwise
    data = (name for name in listed if not name.startswith(f"{_INSIDE}/"))
    return not place.is_dir() or any(os.path.lexists(place / name) for name in data)


def lists_all_folders(root: Path) -> bool:
    """Whether an export put all folders here, each of which it lists as a class, whatever it is called."""
    known = exported_classes([root])
    return bool(known) and known.keys() >= {path.name for path in root.iterdir() if path.is_dir()}


def in_order(known: Iterable[ExportedClass], labels: Sequence[str]) -> list[str] | None:
    """Return all classes by their ids, where these count up from 0 and every label is one of them."""
    held = sorted(known, key=lambda one: one.id)
    names = [one.name for one in held]
    counted = [one.id for one in held] == list(range(len(held)))
    return names if counted and set(labels) <= set(names) and "" not in names else None


def described(rows: Iterable[tuple[str, str, int, int]]) -> bytes:
    """Return the list of folder, class, id and number of samples, as `exported_classes` reads it."""
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows(rows)
    return sink.getvalue().encode(errors="surrogatepass")


def _read(path: Path) -> dict[str, ExportedClass]:
    try:
        text = path.read_bytes().decode(errors="surrogatepass")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        found = [ExportedClass(row["folder"], row["class"], int(row["id"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}
    apart = {one.id for one in found}, {one.folder for one in found}
    return {one.folder: one for one in found} if all(len(one) == len(found) for one in apart) else {}
