"""What a finished column says of itself, in column.json: recipe, shape, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune import files
from prune.errors import StoreError
from prune.sealing import sealed
from prune.store.layout import COLUMN, identity

_FIELDS = {"name", "recipe", "shape", "dtype", "part_rows", "files"}


def write_description(folder: Path, described: dict[str, Any]) -> None:
    """Write it, with its own checksum; this completes the column."""
    files.write_json(folder / COLUMN, sealed(described))


def read_description(name: str, folder: Path) -> dict[str, Any]:
    """Return it.

    Raises
    ------
    StoreError
        The column is not finished, or this file is damaged or of another recipe than its place says.
    """
    try:
        described = files.read_record(folder / COLUMN)
        if described.keys() != _FIELDS or identity(described["recipe"]) != folder.name:
            raise ValueError(f"{folder / COLUMN} is not what was written")
    except FileNotFoundError as error:
        raise StoreError(f"column {name} is not finished", "run the command that writes it again") from error
    except ValueError as error:
        raise StoreError(f"{folder / COLUMN} is damaged", "run the command that wrote it again") from error
    return described
