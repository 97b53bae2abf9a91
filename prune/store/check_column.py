"""A column's files against their checksums, its recipe against its place, its parts against what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from prune.core.findings import Findings, Kind
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


def check_column(name: str, folder: Path, found: Findings, command: str, *, current: bool) -> None:
    """Look at every file of a column."""
    where = _Where(name, folder, found, command, current)
    found.read(folder / RECIPE, lambda: _recipe(folder), command, noted=not current)
    described = _description(where)
    listed: list[str] = described["files"] if described else []
    digests = {folder / file: digest_in(file) or "none" for file in listed}
    whole = [found.check(path, digest, command, noted=not current) for path, digest in digests.items()]
    if described and all(whole):
        _check_parts(where, described)
    others = [path for path in sorted(folder.iterdir()) if path.name not in {*listed, RECIPE, COLUMN}]
    begun = [] if described else [path for path in others if digest_in(path.name)]
    for path in begun:  # of a column that is not finished: a damaged one is made again
        found.check(path, digest_in(path.name), command, noted=True)
    for path in others:
        if path not in begun:
            found.strange(path)


def _recipe(folder: Path) -> None:
    recipe = files.read_json(folder / RECIPE)
    if identity(recipe) != folder.name or (folder / RECIPE).read_bytes() != files.json_bytes(recipe):
        raise ValueError(f"{folder / RECIPE} is not what was written")


def _description(where: _Where) -> dict[str, Any] | None:
    path = where.folder / COLUMN
    if not path.exists() and not where.current:
        if not any(where.folder.glob(f"{STOPPED}-*")):
            where.add("note", where.folder, "is not finished")
        return None
    return where.found.read(
        path, lambda: read_description(where.name, where.folder), where.command, noted=not where.current
    )


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


def digest_in(name: str) -> str:
    """Return the checksum that a file has in its name; empty where it has none."""
    match = _DIGEST.fullmatch(name)
    return match["digest"] if match else ""
