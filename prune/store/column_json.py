"""What a finished column says of itself, in column.json: recipe, shape, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from prune.core.errors import DamagedError
from prune.store.layout import COLUMN, RECIPE, identity
from prune.system import files
from prune.system.checksummed_json import sealed

_FIELDS = {"name", "recipe", "shape", "dtype", "part_rows", "files"}


def write_description(folder: Path, described: dict[str, Any]) -> None:
    """Write it, with its own checksum; this completes the column."""
    files.write_json(folder / COLUMN, sealed(described))


def read_description(name: str, folder: Path) -> dict[str, Any]:
    """Return it.

    Raises
    ------
    DamagedError
        The column is not finished, or this file is damaged or of another recipe than its place says.
    """
    try:
        described = files.read_record(folder / COLUMN)
        if not _is_sound(described) or identity(described["recipe"]) != folder.name:
            raise ValueError(f"{folder / COLUMN} is not what was written")
    except FileNotFoundError as error:
        raise damaged(f"column {name} is not finished", name, folder) from error
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise damaged(f"{folder / COLUMN} is damaged", name, folder) from error
    return described


def damaged(message: str, name: str, folder: Path) -> DamagedError:
    """Return the error for a column in `folder`, of the store that it lies in."""
    return DamagedError(message, folder.parent.parent.parent, name)


def _is_sound(described: dict[str, Any]) -> bool:
    """Whether every field is there and of its kind."""
    if described.keys() != _FIELDS:
        return False
    shape, names = described["shape"], described["files"]
    return (
        isinstance(described["recipe"], dict)
        and isinstance(shape, list)
        and bool(shape)
        and all(type(length) is int and length >= 0 for length in shape)
        and isinstance(names, list)
        and all(isinstance(name, str) and "/" not in name for name in names)
        and type(described["part_rows"]) is int
        and described["part_rows"] > 0
        and _is_type(described["dtype"])
    )


def _is_type(name: Any) -> bool:
    try:
        return isinstance(name, str) and not np.dtype(name).hasobject
    except (TypeError, ValueError, SyntaxError):
        return False


def known_recipe(folder: Path) -> dict[str, Any] | None:
    """Return the recipe of a column from whichever of its files still tells it; None where none does."""
    for name in (COLUMN, RECIPE):
        try:
            record = files.read_record(folder / name)
        except PermissionError:
            raise
        except (OSError, ValueError):
            continue
        recipe = record.get("recipe") if name == COLUMN else record
        if isinstance(recipe, dict) and identity(recipe) == folder.name:
            return recipe
    return None
