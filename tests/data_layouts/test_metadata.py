"""Rows of docs/data.md about metadata beside pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAMES = [f"{i}.png" for i in range(4)]


def described(name: str, text: str, folder: str = "") -> Callable[..., Path]:
    """A builder of four pictures with a file of metadata."""

    def build(make: Any, root: Path) -> Path:
        make.folder(root, *(f"{folder}{picture}" for picture in NAMES))
        make.put(root / name, text.encode())
        return root

    return build


def csv(header: str, *values: object, folder: str = "") -> str:
    return "\n".join(
        [header, *(f"{folder}{name},{value}" for name, value in zip(NAMES, values, strict=True))]
    )


LINES = [{"file_name": name, "label": label} for name, label in zip(NAMES, [10, 2, 2, 2], strict=True)]

ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`0.png` … and `metadata.csv` with `file_name,label`": (
        described("metadata.csv", csv("file_name,label", "cat", "dog", "cat", "cat")),
        {"n": 4, "classes": {"cat": 3, "dog": 1}},
    ),
    "`0.png` … and `metadata.jsonl` with labels 10 and 2": (
        described("metadata.jsonl", "\n".join(map(json.dumps, LINES))),
        {"n": 4, "classes": {"2": 3, "10": 1}},
    ),
    "`pets/0.png` … and `metadata.csv` with `file_name,caption`": (
        described("metadata.csv", csv("file_name,caption", *"abcd", folder="pets/"), "pets/"),
        {"n": 4, "classes": {"pets": 4}},
    ),
    "`pets/0.png` … and `metadata.csv` with `--no-labels`": (
        described("metadata.csv", csv("file_name,label", *"aabb", folder="pets/"), "pets/"),
        {"words": ["--no-labels"], "n": 4, "classes": {}},
    ),
    "labels of floats that pandas made of numbers: `3.0`, and one missing": (
        described("metadata.csv", csv("file_name,label", "3.0", "1.0", "", "3.0")),
        {"n": 4, "classes": {"1": 1, "3": 2}},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])
