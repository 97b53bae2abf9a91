"""What lies beside the images of a folder: files of the same stem, and metadata, cut to the kept images."""

from __future__ import annotations

import csv
import io
import json
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prune.core.errors import DataError
from prune.readers.folders.image_files import is_image, may_be_image
from prune.readers.folders.metadata import NAMES, Metadata
from prune.readers.imagefolder import ImageFolder
from prune.system.os_errors import reading

_NONE: Mapping[str, str] = {}
_LINKED = "_file_name"  # of columns that name further files of a sample


class Sides:
    """The files beside the images of one image folder."""

    def __init__(self, reader: ImageFolder) -> None:
        self.reader = reader
        self._listed: tuple[str, dict[str, list[str]]] = ("", {})

    def beside(self, key: str) -> list[str]:
        """Return the files of the same stem, by their names: `1.txt` and `1.boxes.json` of `1.png`."""
        folder, _, name = key.rpartition("/")
        stem = posixpath.splitext(name)[0]
        if not self._listed[1] or self._listed[0] != folder:
            self._listed = (folder, self._stems(folder))
        return [posixpath.join(folder, name) for name in self._listed[1].get(stem, [])]

    def _stems(self, folder: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(path.name for path in (self.reader.root / folder).iterdir()):
            place = self.reader.root / folder
            if name.startswith(".") or name in NAMES or may_be_image(name) or is_image(place, name):
                continue
            if not name.isprintable() or not (place / name).is_file():
                continue
            for at in (at for at, sign in enumerate(name) if sign == "."):
                found.setdefault(name[:at], []).append(name)
        return found

    @cached_property
    def metadata(self) -> Sequence[Metadata]:
        """The metadata files, by their names."""
        return sorted(self.reader.metadata.values(), key=lambda found: found.name)

    def linked(self, kept: Collection[str]) -> Iterator[str]:
        """Yield further files that the rows of kept images name, such as masks."""
        for found in self.metadata:
            columns = [name for name in found.columns if name.endswith(_LINKED)]
            for row in found.rows if columns else ():
                names = [row.get(column) for column in columns] if found.key_of(row) in kept else []
                for name in names:
                    path = (
                        posixpath.normpath(posixpath.join(found.folder, name))
                        if isinstance(name, str)
                        else ""
                    )
                    if path and not path.startswith(("../", "/")) and (self.reader.root / path).is_file():
                        yield path


def side_bytes(path: Path) -> bytes:
    """Return the bytes of a file beside an image.

    Raises
    ------
    DataError
        It cannot be read.
    """
    with reading(path, "bring it back, or remove it"):
        return path.read_bytes()


def cut(found: Metadata, kept: Collection[str], renamed: Mapping[str, str] = _NONE) -> bytes | None:
    """Return a metadata file with the rows of the kept images alone, in its own format; None without any.

    `renamed`: images that are called otherwise in the export; their rows name them so.

    Raises
    ------
    DataError
        It cannot be read.
    """
    path = found.root / found.name
    if not any(found.key_of(row) in kept for row in found.rows):
        return None
    if path.suffix == ".parquet":
        return _cut_parquet(found, kept, renamed)
    text = path.read_bytes().decode("utf-8-sig")
    if path.suffix == ".csv":
        return _cut_csv(found, text, kept, renamed)
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != len(found.rows):
        raise DataError(f"{path} changed while it was read", "run the command again")
    pairs = [(line, row) for line, row in zip(lines, found.rows, strict=True) if found.key_of(row) in kept]
    return "".join(f"{_renamed_line(found, line, row, renamed)}\n" for line, row in pairs).encode()


def _renamed_line(found: Metadata, line: str, row: Mapping[str, Any], renamed: Mapping[str, str]) -> str:
    """Return a line of JSON as it stands, or with the name that its image has in the export."""
    name = _new_name(found, row, renamed)
    if name is None:
        return line
    return json.dumps({**row, found.name_column: name}, ensure_ascii=False)


def _new_name(found: Metadata, row: Mapping[str, Any], renamed: Mapping[str, str]) -> str | None:
    """Return what metadata calls the image of a row in the export, where that is new."""
    key = found.key_of(row)
    name = None if key is None else renamed.get(key)
    return None if name is None else posixpath.relpath(name, found.folder or ".")


def _cut_csv(found: Metadata, text: str, kept: Collection[str], renamed: Mapping[str, str]) -> bytes:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    names = next(lines)
    out.writerow(names)
    for line in lines:
        row: Mapping[str, Any] = dict(zip(names, line, strict=False))
        if line and found.key_of(row) in kept:
            name = _new_name(found, row, renamed)
            if name is not None:
                line[names.index(found.name_column)] = name
            out.writerow(line)
    return sink.getvalue().encode()


def _cut_parquet(found: Metadata, kept: Collection[str], renamed: Mapping[str, str]) -> bytes:
    table = pq.read_table(found.root / found.name)
    names = [_new_name(found, row, renamed) or row.get(found.name_column) for row in found.rows]
    place = table.schema.get_field_index(found.name_column)
    if renamed and place >= 0:
        column = table.schema.field(place)
        table = table.set_column(place, column, pa.array(names, column.type))
    sink = pa.BufferOutputStream()
    pq.write_table(table.filter(pa.array([found.key_of(row) in kept for row in found.rows])), sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data
