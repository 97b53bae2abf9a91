"""Metadata of an image folder: `metadata.csv`, `.jsonl` or `.parquet`, as the `imagefolder` builder reads it.

A row is about the image that its `file_name` names, relative to the folder of the metadata. A column that is
called like a label, and that holds one in every row, is the label of the images below that folder.
"""

from __future__ import annotations

import csv
import io
import json
import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prune.core.errors import DataError
from prune.core.safe_text import one_line
from prune.readers.labels.names import LABELS
from prune.readers.tar.label import usable_label

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
FILE_NAME = "file_name"


@dataclass(frozen=True)
class Metadata:
    """One file of metadata; `name` is relative to the root of the dataset."""

    root: Path
    name: str

    @property
    def folder(self) -> str:
        """The folder that its file names are relative to; empty for the root."""
        return posixpath.dirname(self.name)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows, in their order; of csv all values are text.

        Raises
        ------
        DataError
            It cannot be read.
        """
        path = self.root / self.name
        try:
            if path.suffix == ".parquet":
                found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
                return found
            text = path.read_bytes().decode("utf-8-sig")
            if path.suffix == ".csv":
                return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (
            OSError,
            UnicodeDecodeError,
            csv.Error,
            ValueError,
            RecursionError,
            pa.ArrowException,
        ) as error:
            reason = one_line(error, 200)
            raise DataError(
                f"{path} cannot be read: {reason}", "mend it, or move it out of the dataset"
            ) from error
        if not all(isinstance(row, dict) for row in rows):
            raise DataError(f"{path} holds lines that are no objects", "write one JSON object a line")
        return rows

    @cached_property
    def columns(self) -> list[str]:
        """Names of all columns but that of the file, in their order."""
        names = dict.fromkeys(name for row in self.rows for name in row if isinstance(name, str))
        return [name for name in names if name != self.name_column]

    @cached_property
    def name_column(self) -> str:
        """The column that names the image: `file_name`, else the first that is called `…_file_name`."""
        names = dict.fromkeys(name for row in self.rows for name in row if isinstance(name, str))
        others = [name for name in names if name.endswith(f"_{FILE_NAME}")]
        return FILE_NAME if FILE_NAME in names or not others else others[0]

    @cached_property
    def by_key(self) -> Mapping[str, dict[str, Any]]:
        """The first row of each image, by its path below the root."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            key = self.key_of(row)
            if key is not None:
                found.setdefault(key, row)
        return found

    def key_of(self, row: Mapping[str, Any]) -> str | None:
        """Return the path below the root that a row is about."""
        name = row.get(self.name_column)
        return (
            posixpath.normpath(posixpath.join(self.folder, name)) if name and isinstance(name, str) else None
        )

    @cached_property
    def label_column(self) -> str | None:
        """The first column that is called like a label and holds one in every row that has a value."""
        return next((name for name in self._likely if self._problem(name) == ""), None)

    @cached_property
    def unfit(self) -> str | None:
        """Say of the first column that is called like a label why it is none; None where there is no such."""
        problems = ((name, self._problem(name)) for name in self._likely)
        return next((f"in column {name}, {problem}" for name, problem in problems if problem), None)

    def holds_classes(self, name: str) -> bool:
        """Whether a column holds labels, and hardly ever another one in each row."""
        if self._problem(name) != "":
            return False
        held = [text for row in self.rows if (text := label_text(row.get(name))) is not None]
        return 2 * len(set(held)) <= len(held)

    @property
    def names_folders(self) -> bool:
        """Whether it names pictures in folders, which may be their classes."""
        return any(len(posixpath.relpath(key, self.folder or ".").split("/")) > 1 for key in self.by_key)

    @property
    def _likely(self) -> list[str]:
        return [name for word in LABELS for name in self.columns if name.lower() == word]

    def _problem(self, name: str) -> str | None:
        """Return why a value of a column is no label; empty where all are, None where there are none."""
        try:
            held = [label_text(row.get(name)) is not None for row in self.rows]
        except ValueError as error:
            return str(error)
        return "" if any(held) else None


def label_text(value: Any) -> str | None:
    """Return a value as the text of a label; None where there is none. A `ValueError`: it is no label."""
    if value is None or value == "" or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str) and _LIST.match(value):
        raise ValueError(f"label {value[:32]!r} is a list, neither text nor a whole number")
    return usable_label(_WHOLE.sub(r"\1", value) if isinstance(value, str) else value)


_LIST = re.compile(r"^\s*[\[({].*[\])}]\s*$", re.DOTALL)  # written into csv: `[0, 1]`, `['cat', 'dog']`
_WHOLE = re.compile(r"^(-?\d+)\.0+$")  # a whole number that went through a table of floats


def files_in(root: Path, folders: Collection[str]) -> list[str]:
    """Return the metadata files that lie in these folders, relative to the root."""
    found = [posixpath.join(folder, name) for folder in sorted(folders) for name in NAMES]
    return [name for name in found if (root / name).is_file()]


def folders_of(keys: Sequence[str]) -> set[str]:
    """Return the folders of these files, and all above them."""
    folders = {posixpath.dirname(key) for key in keys}
    for folder in list(folders):
        while folder:
            folder = posixpath.dirname(folder)
            folders.add(folder)
    return folders | {""}


def governing(files: Mapping[str, Metadata], key: str) -> Metadata | None:
    """Return the metadata of an image: the one in the nearest folder that has some."""
    folder = posixpath.dirname(key)
    while True:
        if folder in files:
            return files[folder]
        if not folder:
            return None
        folder = posixpath.dirname(folder)
