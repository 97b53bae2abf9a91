"""JSON Lines: files of one JSON object a line, with a text and perhaps a label and an id in it.

The key of a sample is its field `id` where all samples of the dataset have one and no two are the same, else
`FILE:LINE`, lines from 1. Files are read in the order of their names; empty lines are passed over.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from prune.modalities.text.fields import TEXTS, TextFields
from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.folders.first_entries import glance_paths
from prune.readers.lines.containers import HashedContent
from prune.readers.lines.fields import LABELS, LabelTexts, others_of, text_name, usable_id, value_at
from prune.readers.lines.json_shape import SUFFIX, is_json, shape_of
from prune.readers.lines.line_columns import add_lines, of_texts
from prune.readers.lines.line_files import find_files, is_named_like
from prune.readers.lines.quick_json import are_plain, quick_objects
from prune.readers.lines.raw_columns import Found, Known, RawColumns, of_text
from prune.readers.lines.reader import LineReader
from prune.readers.tar.label import usable_label

SUFFIXES = (".jsonl", ".ndjson", ".json.gz", ".json.zst")
"""Of files that are looked for in a folder; a `.json` is read where it is named and holds lines."""
_METADATA = "metadata.jsonl"  # describes a folder of images
_ATTRIBUTES, _DOCUMENTS = "attributes", "documents"  # folders of dolma
_SPACE = " \t\r\n"  # of JSON
_parse = json.JSONDecoder().raw_decode


def looks_like(path: Path) -> bool:
    """Say whether this is a file of lines of JSON, or a folder with one among its first 4096 entries."""
    if not path.is_dir():
        return is_lines(path)
    found = (Path(name) for name in glance_paths(path) if is_named_like(name, SUFFIXES))
    return any(file.name != _METADATA and is_lines(file) for file in found)


def is_lines(file: Path) -> bool:
    """Whether a file is called as lines of JSON are, or `.json`, and holds such."""
    if not is_json(file.name):
        return is_named_like(file.name, SUFFIXES)
    shape = shape_of(file)
    return shape == "lines" or (shape is None and is_named_like(file.name, SUFFIXES))


def open_jsonl(
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    text_field: str | None = None,
    template: str | None = None,
    no_labels: bool = False,
) -> JsonLines:
    """Open a file, those of a pattern, or those of a folder and its subfolders.

    Parameters
    ----------
    data
        The file, the folder or the pattern.
    split
        Which split, where names of files say that there are several; `train`, if not given.
    label_field
        Field of the objects, or path with dots; if not given, the first of `LABELS` that an object has.
    text_field, template
        What the text is; see `TextFields`.
    no_labels
        Whether no field is read as a label.

    Raises
    ------
    DataError
        There is no such file.
    OptionError
        There is no such split, or an option cannot be read.
    """
    TextFields.of(text_field, template)
    folder = Path(data)
    if (folder / _ATTRIBUTES).is_dir() and (folder / _DOCUMENTS).is_dir():
        data = str(folder / _DOCUMENTS)
    suffixes = SUFFIXES if Path(data).is_dir() else (*SUFFIXES, SUFFIX)
    files = find_files(data, suffixes, split, passed=lambda name: _holds_none(Path(data), name))
    return JsonLines(files, label_field, text_field, template, no_labels)


def _holds_none(folder: Path, name: str) -> bool:
    """Whether a file in a folder describes images or documents, or is no file of lines."""
    described = name.rpartition("/")[2] == _METADATA or _is_attribute(folder, name)
    return described or not is_lines(folder / name)


def _is_attribute(folder: Path, name: str) -> bool:
    """Whether a file lies in a folder `attributes` beside one of `documents`, as dolma has them."""
    parts = name.split("/")[:-1]
    at = parts.index(_ATTRIBUTES) if _ATTRIBUTES in parts else -1
    return at >= 0 and folder.joinpath(*parts[:at], _DOCUMENTS).is_dir()


@dataclass(frozen=True)
class JsonLines(LineReader):
    """Files of lines; a sample is a line."""

    format: str = field(default="jsonl", init=False)
    what: ClassVar[str] = "line"  # that a record is

    def fill(self, columns: RawColumns, shard: str, content: HashedContent) -> None:
        """Add every line that is not empty."""
        del shard
        add_lines(columns, content, self._known, self._found)

    def text_of(self, shard: str, record: bytes) -> str:
        """Return the text of a line."""
        del shard
        if not self.fields.literals and (fields := quick_objects([record])) is not None:
            with contextlib.suppress(ValueError):
                return self._text(fields[0])
        return self._text(self._object(record))

    def _known(self, lines: list[bytes]) -> Known | None:
        """Return what `_found` does of each line, where all are samples of plain values; None else."""
        if self.fields.literals or (found := quick_objects(lines)) is None:
            return None
        ids = [fields.get("id") for fields in found]
        labels = list(map(self._label_in, found))
        if not (are_plain(ids) and are_plain(labels)):
            return None
        try:
            texts = [text.encode() for text in self._texts(found)]
        except ValueError:
            return None
        return of_texts(texts, list(map(usable_id, ids)), *self._labels.of_all(labels))

    def _found(self, line: bytes | None) -> Found:
        """Return what is known of a sample by its line; `reason` where that is no sample."""
        key = None
        try:
            if line is None:
                raise ValueError(f"the line is over {MAX_LINE_BYTES:,} bytes")
            fields = self._object(line)
            key = usable_id(fields.get("id"))
            return self.of_fields(fields, key)
        except ValueError as error:
            return Found(key=key, reason=str(error))

    def of_fields(self, fields: Mapping[str, Any], key: str | None) -> Found:
        """Return what is known of a sample by its fields; a `ValueError` where that is none."""
        return of_text(self._text(fields), key, *self._label(fields))

    def _label(self, fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return the label, or why what stands there is none."""
        return self._labels.of(self._label_in(fields))

    def _label_in(self, fields: Mapping[str, Any]) -> Any:
        for name in self._label_names:
            label = fields[name] if name in fields else value_at(fields, name) if "." in name else None
            if label is not None:
                return label
        return None

    @cached_property
    def _labels(self) -> LabelTexts:
        return LabelTexts(usable_label)

    def _texts(self, found: list[dict[str, Any]]) -> list[str]:
        if self._plain:
            texts = [text for fields in found if type(text := fields.get(TEXTS[0])) is str and text]
            if len(texts) == len(found):
                return texts
        return list(map(self._text, found))

    def _text(self, fields: Mapping[str, Any]) -> str:
        if self._plain:
            for name in TEXTS:
                if (text := fields.get(name)) is not None:
                    if isinstance(text, str) and text:
                        return text
                    break
        return self.fields.text_of(fields)

    @cached_property
    def _plain(self) -> bool:
        """Whether nobody said where the text is, so that it nearly always stands in a field of `TEXTS`."""
        return self.fields == TextFields()

    @cached_property
    def _label_names(self) -> tuple[str, ...]:
        if self.no_labels:
            return ()
        return LABELS if self.label_field is None else (self.label_field,)

    def text_name(self, shard: str, record: bytes) -> str | None:
        """Return what the field of the text is called."""
        del shard
        return text_name(self._object(record), self.fields)

    def record(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the object of a line."""
        del shard
        return self._object(record)

    def others(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the fields of a line that are neither its text nor its label."""
        del shard
        return others_of(self._object(record), self.fields, () if self.no_labels else self._label_names)

    def _object(self, record: bytes) -> dict[str, Any]:
        """Return the fields of a record."""
        try:
            text = record.decode().strip(_SPACE)
        except UnicodeDecodeError as error:
            raise ValueError(f"the {self.what} is not UTF-8") from error
        try:
            found, end = _parse(text)
        except RecursionError as error:
            raise ValueError(f"the JSON of the {self.what} is nested too deep") from error
        except ValueError as error:
            raise ValueError(f"the {self.what} is not JSON") from error
        if end != len(text):
            raise ValueError(f"the {self.what} is not JSON")
        return object_of(found, self.what)


def object_of(value: Any, what: str) -> dict[str, Any]:
    """Return a value of JSON that is an object; a `ValueError` says what else it is."""
    if not isinstance(value, dict):
        raise ValueError(f"the {what} is a JSON {type(value).__name__}, not an object")
    return value
