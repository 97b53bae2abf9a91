"""JSON Lines: files of one JSON object a line, with a text and perhaps a label and an id in it.

The key of a sample is its field `id` where all samples of the dataset have one and no two are the same, else
`FILE:LINE`, lines from 1. Files are read in the order of their names; empty lines are passed over.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prune.core.content import content_digest
from prune.core.errors import DataError
from prune.modalities.text.lines import MAX_LINE_BYTES, lines_of
from prune.readers.folders.first_entries import glance
from prune.readers.hashing_file import HashingFile
from prune.readers.labels.file import LabelFile
from prune.readers.sample import (
    RAW,
    ReaderBase,
    Unit,
    key_problem,
    number_order,
    refuse_unnameable,
    with_sources,
)
from prune.readers.tar.label import usable_label

SUFFIXES = (".jsonl", ".ndjson")
TEXTS = ("text", "content", "sentence", "review", "document")
LABELS = ("label", "labels", "class", "category", "sentiment")
_BLOCK = 4096  # lines whose rows are held as objects at once
_METADATA = "metadata.jsonl"  # describes a folder of images


def looks_like(path: Path) -> bool:
    """Say whether this is a `.jsonl` file, or a folder with one among its first 4096 entries."""
    names = glance(path) if path.is_dir() else [path.name]
    return any(name.endswith(SUFFIXES) and name != _METADATA for name in names)


def open_jsonl(
    data: str, *, label_field: str | None = None, text_field: str | None = None, no_labels: bool = False
) -> JsonLines:
    """Open a file, or all files of a folder and its subfolders.

    Parameters
    ----------
    data
        The file or the folder.
    label_field, text_field
        Fields of the objects; if not given, the first of `LABELS` and of `TEXTS` that an object has.
    no_labels
        Whether no field is read as a label.

    Raises
    ------
    DataError
        There is no such file.
    """
    path = Path(data)
    if path.is_dir():
        root = path
        found = (file for suffix in SUFFIXES for file in path.rglob(f"*{suffix}") if file.is_file())
        names = sorted((str(file.relative_to(path)) for file in found), key=os.fsencode)
        names = [name for name in names if not any(part.startswith(".") for part in Path(name).parts)]
    else:
        root, names = path.parent, [path.name] if path.is_file() else []
    if not names:
        raise DataError(f"there is no .jsonl file in {data}", "name the file, or the folder that holds it")
    refuse_unnameable(root, names)
    return JsonLines(root, tuple(names), path.is_dir(), label_field, text_field, no_labels)


@dataclass(frozen=True)
class JsonLines(ReaderBase):
    """Files of lines; a sample is a line."""

    root: Path
    names: Sequence[str]
    whole: bool  # the folder was named, not its one file
    label_field: str | None = None
    text_field: str | None = None
    no_labels: bool = False
    label_file: LabelFile | None = None
    split: str | None = field(default=None, init=False)
    format: str = field(default="jsonl", init=False)
    modality: str = field(default="text", init=False)

    @property
    def options(self) -> Mapping[str, Any]:
        """Which fields are read."""
        return {"label_field": self.label_field, "text_field": self.text_field, "no_labels": self.no_labels}

    @property
    def guesses_labels(self) -> bool:
        """Whether nobody said where the labels are."""
        return self.label_field is None

    @property
    def places(self) -> Sequence[Path]:
        """The folder, or the file that was named."""
        return (self.root,) if self.whole else [self.root / name for name in self.names]

    def units(self) -> Iterator[Unit]:
        """Yield one unit a file."""
        for name in self.names:
            yield Unit(name, (name,))

    def scan(self, unit: Unit) -> pa.Table:
        """Read every line: its id, its label, its place, the digest of its text.

        Raises
        ------
        DataError
            The file cannot be read.
        """
        name = unit.files[0]
        tables: list[pa.Table] = []
        rows: list[dict[str, Any]] = []
        with HashingFile(self.root / name) as source:
            for number, (start, size, line) in enumerate(lines_of(source), 1):
                if line is not None and not line.strip():
                    continue
                row = {"key": f"{name}:{number}", "shard": name, "offset": start, "size": size}
                row |= {"index": number} | self._read(line)
                rows.append(row)
                if len(rows) == _BLOCK:
                    tables.append(pa.Table.from_pylist(rows, schema=RAW))
                    rows = []
            digest = source.sha256()
        tables.append(pa.Table.from_pylist(rows, schema=RAW))
        return with_sources(pa.concat_tables(tables), {name: digest})

    def told_apart(self, raw: pa.Table) -> pa.Table:
        """Return samples with the keys `FILE:LINE` where ids are missing or stand twice, else as they are."""
        places = pc.binary_join_element_wise(raw["shard"], pc.cast(raw["index"], pa.string()), ":")
        sound = pc.is_null(raw["reason"])
        numbered = pc.and_(pc.equal(raw["key"], places), sound)
        if not pc.any(numbered).as_py() and len(pc.unique(raw["key"])) == len(raw):
            return raw
        return raw.set_column(RAW.get_field_index("key"), RAW.field("key"), places)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the labels: by value if all are whole numbers, else as text.

        Raises
        ------
        DataError
            A label field was named, and no sample has it.
        """
        if self.label_field is not None and not labels:
            raise DataError(f"no line has the field {self.label_field!r}", "name another with --label-field")
        return number_order(labels)

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the text of each row; one file is open at a time.

        Raises
        ------
        DataError
            A file is gone, or holds something else at that place.
        """
        places = samples.select(["key", "shard", "offset", "size"])
        for part in places.to_batches(max_chunksize=_BLOCK):
            for shard, rows in itertools.groupby(part.to_pylist(), key=lambda row: row["shard"]):
                try:
                    with (self.root / shard).open("rb") as file:
                        for row in rows:
                            file.seek(row["offset"])
                            yield self._text_at(row["key"], file.read(row["size"]))
                except OSError as error:
                    raise DataError(f"{self.root / shard} cannot be read: {error.strerror}") from error

    def _text_at(self, key: str, line: bytes) -> str:
        try:
            return self._text(_object(line))
        except ValueError as error:
            raise DataError(f"{key} is no longer as it was: {error}", "scan the dataset again") from error

    def _read(self, line: bytes | None) -> dict[str, Any]:
        """Return what is known of a sample by its line; `reason` where that is no sample."""
        found: dict[str, Any] = {}
        try:
            if line is None:
                raise ValueError(f"the line is over {MAX_LINE_BYTES:,} bytes")
            fields = _object(line)
            if (key := _key(fields.get("id"))) is not None:
                found["key"] = key
            encoded = self._text(fields).encode()
            found |= {"image_size": len(encoded), "digest": content_digest(encoded)}
            found["label"] = self._label(fields)
        except ValueError as error:
            found["reason"] = str(error)
        return found

    def _text(self, fields: Mapping[str, Any]) -> str:
        names = TEXTS if self.text_field is None else (self.text_field,)
        text = next((fields[name] for name in names if fields.get(name) is not None), None)
        if not isinstance(text, str) or not text:
            what = f"no text in the field {' or '.join(names)}"
            raise ValueError(f"{what}; the fields are {', '.join(map(str, list(fields)[:8])) or 'none'}")
        try:
            text.encode()
        except UnicodeEncodeError as error:  # half of a pair, as "\ud800" in JSON
            raise ValueError("the text is not Unicode") from error
        return text

    def _label(self, fields: Mapping[str, Any]) -> str | None:
        if self.no_labels:
            return None
        names = LABELS if self.label_field is None else (self.label_field,)
        label = next((fields[name] for name in names if fields.get(name) is not None), None)
        return None if label is None else usable_label(label)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError("the line is not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ValueError("the line is not JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"the line is a JSON {type(found).__name__}, not an object")
    return found


def _key(value: Any) -> str | None:
    """Return an id as a key; None where it cannot be one."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return None if key_problem(str(value)) else str(value)
