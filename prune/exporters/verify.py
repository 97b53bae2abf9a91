"""Every file of an export against its checksum, with nothing but the export itself at hand."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.core.findings import Findings, Kind
from prune.core.option_words import command
from prune.exporters.carried_form import CARRIES
from prune.exporters.place import DOT, EXPORT, beside, described, located, strange_files
from prune.exporters.staging.existing_export import FORMAT, checked_path
from prune.store.layout import SELECTION
from prune.system import files

_FIELDS = {"exporter", "options", "n", "dataset", "format", "identity", "files"}
_NEW_FIELDS = {"asked", "weight", CARRIES}  # earlier exports lack them
SUSPECTS = "suspects"  # what stands for an exporter in a folder of labels in doubt


def check_export(place: Path, found: Findings, again: Callable[[str], str]) -> dict[str, Any] | None:
    """Look at every file; return what the export says of itself, or None where that is damaged.

    Parameters
    ----------
    again
        Adds the store to the command that writes the export again.

    Raises
    ------
    StoreError
        A newer version wrote it.
    """
    export = _described(place, found)
    if export is None:
        return None
    command = again(export_command(place, export))
    for name, expected in sorted(export["files"].items()):
        found.check(located(place, name), expected["sha256"], command, link=expected.get("link", False))
    for name in strange_files(place, export["files"]):
        found.add(
            "unknown",
            str(located(place, name)),
            "is none of prune's, and would be read with it",
            "move it away",
        )
    return export


def selection_of(place: Path, export: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an export says of the selection that it was made from, if that is at hand and whole."""
    name = SELECTION if SELECTION in export["files"] else f"{DOT}/{SELECTION}"
    try:
        return files.read_record(located(place, name))
    except (OSError, ValueError):
        return None


def _described(place: Path, found: Findings) -> dict[str, Any] | None:
    path = located(place, EXPORT)
    found.files += 1
    try:
        export = files.read_record(path)
        if export.get("format", 0) > FORMAT:
            raise StoreError(
                f"{place} was exported by a newer version of prune", "pip install --upgrade dataset-prune"
            )
        if export.keys() - _NEW_FIELDS != _FIELDS:
            raise ValueError("it has other fields")
        for name in export["files"]:
            checked_path(name)
    except (OSError, ValueError, TypeError):
        kind: Kind = "damaged" if path.exists() else "missing"
        away = shlex.join(["mv", str(place), f"{place}.damaged"])
        if described(place) == beside(place):
            away += " && " + shlex.join(["mv", str(beside(place)), f"{place}.damaged.prune"])
        found.add(kind, str(path), f"is {kind}: nothing else can be checked; export again", away)
        return None
    return export


def export_command(place: Path, export: dict[str, Any]) -> str:
    """Return what writes an export again."""
    suspects = export["exporter"] == SUSPECTS
    given = {"format": None if suspects else export["exporter"], "out": place, "overwrite": True}
    said = {**given, **export.get("asked", {}), **export["options"]}
    said = {name: value for name, value in said.items() if value is not False}
    return command("suspects" if suspects else "export", said)
