"""A column's files against their checksums, its recipe against its place, its parts against what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from prune.core.errors import StoreError
from prune.core.findings import Findings, Kind, why
from prune.store.column_json import read_description
from prune.store.layout import COLUMN, RECIPE, STOPPED, identity
from prune.system import files

_DIGEST = re.compile(r".*-(?P<digest>[0-9a-f]{32})\.[a-z]+")


class _Where(NamedTuple):
    name: str
    folder: Path
    found: Findings
    command: str
    current: bool  # published: what is wrong with others is only noted

    def add(self, kind: Kind, path: Path, told: str) -> None:
        self.found.add(kind if self.current else "note", str(path), told, self.command)


def check_column(name: str, folder: Path, found: Findings, command: str, *, current: bool) -> list[Path]:
    """Look at every file of a column; return those that are none of it."""
    where = _Where(name, folder, found, command, current)
    _check_recipe(where)
    described = _description(where)
    listed: list[str] = described["files"] if described else []
    faults = {file: found.look(folder / file, digest_in(file) or "none") for file in listed}
    for file, fault in faults.items():
        if fault:
            where.add(fault[0], folder / file, fault[1])
    if described and not any(faults.values()):
        _check_parts(where, described)
    others = [p for p in sorted(folder.iterdir()) if p.name not in {*listed, RECIPE, COLUMN}]
    if described:
        return others
    return [path for path in others if not _is_begun(where, path)]


def _check_recipe(where: _Where) -> None:
    path = where.folder / RECIPE
    where.found.files += 1
    where.found.advance(1)
    try:
        recipe = files.read_json(path)
        if identity(recipe) != where.folder.name or path.read_bytes() != files.json_bytes(recipe):
            where.add("damaged", path, "is damaged")
    except FileNotFoundError:
        where.add("missing", path, "is missing")
    except (OSError, ValueError) as error:
        where.add("damaged", path, why(error))


def _description(where: _Where) -> dict[str, Any] | None:
    path = where.folder / COLUMN
    if not path.exists() and not where.current:
        if not any(where.folder.glob(f"{STOPPED}-*")):
            where.add("note", where.folder, "is not finished")
        return None
    where.found.files += 1
    where.found.advance(1)
    try:
        described = read_description(where.name, where.folder)
    except (StoreError, PermissionError) as error:
        kind: Kind = "damaged" if path.exists() else "missing"
        where.add(kind, path, why(error, kind))
        return None
    return described


def _check_parts(where: _Where, described: dict[str, Any]) -> None:
    """Compare the headers of the parts with the description; their bytes have been looked at."""
    shape, rows = described["shape"], 0
    parts = [file for file in described["files"] if file.startswith("part-")]
    for number, file in enumerate(parts):
        found, dtype = _header(where.folder / file)
        expected = min(described["part_rows"], shape[0] - number * described["part_rows"])
        if found != (expected, *shape[1:]) or dtype != described["dtype"]:
            where.add("damaged", where.folder / COLUMN, f"does not say what {file} is")
            return
        rows += found[0]
    if rows != shape[0]:
        where.add("damaged", where.folder / COLUMN, f"tells of {shape[0]} rows, {rows} are there")


def _header(path: Path) -> tuple[tuple[int, ...], str]:
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype.str


def _is_begun(where: _Where, path: Path) -> bool:
    """Check a part of a column that is not finished: a damaged one is made again, and only noted."""
    digest = digest_in(path.name)
    if not digest:
        return False
    fault = where.found.look(path, digest)
    if fault:
        where.found.add("note", str(path), fault[1], where.command)
    return True


def digest_in(name: str) -> str:
    """Return the checksum that a file has in its name; empty where it has none."""
    match = _DIGEST.fullmatch(name)
    return match["digest"] if match else ""


def strange(path: Path, found: Findings) -> None:
    """Note a file that belongs to nothing."""
    left = path.name.startswith(".prune-")
    what = "was left by a command that was stopped; the next one removes it" if left else "is none of prune's"
    found.add("note", str(path), what)
