"""The files of a column: each carries its kind, its number and its checksum in its name."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array
from prune.store.column_json import damaged
from prune.store.layout import DIGEST_CHARS
from prune.system import files

NAMED = re.compile(r"(?P<kind>[a-z]+)-(?P<number>\d{5})-(?P<digest>[0-9a-f]{32})\.[a-z]+")


def says(path: Path, recipe: dict[str, Any]) -> bool:
    """Whether a file holds this recipe."""
    return path.is_file() and path.read_bytes() == files.json_bytes(recipe)


def find_file(folder: Path, kind: str, number: int) -> Path | None:
    """Return the file of a kind and number; None where there is none."""
    return next(iter(sorted(folder.glob(f"{kind}-{number:05d}-*"))), None)


def mapped(path: Path) -> Array:
    """Map a part into memory; unlike `np.load`, keep no file open for it: a column may have thousands."""
    try:
        with pa.memory_map(str(path)) as file:
            data = file.read_buffer()
    except UnicodeEncodeError:  # a path that is not UTF-8, which pyarrow does not take
        return np.load(path, mmap_mode="r", allow_pickle=False)
    start = io.BytesIO(data[:4096])
    np.lib.format.read_magic(start)
    shape, _, dtype = np.lib.format.read_array_header_1_0(start)
    return np.frombuffer(data, dtype, math.prod(shape), start.tell()).reshape(shape)


def require_file(folder: Path, kind: str, number: int) -> Path:
    """Return the file of a kind and number, which was written."""
    path = find_file(folder, kind, number)
    assert path is not None, f"{kind} {number} was not written"
    return path


def digest_of(path: Path) -> str:
    """Return the checksum that stands in the name of a file with these bytes."""
    return files.sha256(path)[:DIGEST_CHARS]


def is_as_written(path: Path) -> bool:
    """Whether a file is there with the bytes of its name."""
    match = NAMED.fullmatch(path.name)
    return match is not None and path.is_file() and digest_of(path) == match["digest"]


def verify_file(path: Path, column: str) -> None:
    """Raise StoreError where a file is gone, or its bytes are not those of its name."""
    if not path.exists():
        raise damaged(f"part {path.name} of column {column} is missing", column, path.parent)
    if not is_as_written(path):
        raise damaged(f"part {path.name} of column {column} is damaged", column, path.parent)


def verified_bytes(path: Path, column: str) -> bytes:
    """Return the bytes of a file; see `verify_file`."""
    verify_file(path, column)
    return path.read_bytes()
