"""JSON Lines: files of one JSON object a line, with a text and perhaps a label and an id in it.

The key of a sample is its field `id` where all samples of the dataset have one and no two are the same, else
`FILE:LINE`, lines from 1. Files are read in the order of their names; empty lines are passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from prune.modalities.text.fields import TEXTS, TextFields
from prune.modalities.text.lines import MAX_LINE_BYTES, lines_of
from prune.readers.folders.first_entries import glance
from prune.readers.lines.containers import HashedContent
from prune.readers.lines.fields import LABELS, LabelTexts, others_of, text_name, usable_id, value_at
from prune.readers.lines.line_files import find_files, is_named_like
from prune.readers.lines.raw_columns import Found, of_text
from prune.readers.lines.reader import LineReader, Placed
from prune.readers.tar.label import usable_label

SUFFIXES = (".jsonl", ".ndjson", ".json.gz", ".json.zst")  # one object in a `.json` needs no codec
_METADATA = "metadata.jsonl"  # describes a folder of images
_SPACE = " \t\r\n"  # of JSON
_parse = json.JSONDecoder().raw_decode


def looks_like(path: Path) -> bool:
    """Say whether this is a file of lines of JSON, or a folder with one among its first 4096 entries."""
    names = glance(path) if path.is_dir() else [path.name]
    return any(is_named_like(name, SUFFIXES) and name != _METADATA for name in names)


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
    files = find_files(data, SUFFIXES, split, passed=_describes_images)
    return JsonLines(files, label_field, text_field, template, no_labels)


def _describes_images(name: str) -> bool:
    return name.rpartition("/")[2] == _METADATA


@dataclass(frozen=True)
class JsonLines(LineReader):
    """Files of lines; a sample is a line."""

    format: str = field(default="jsonl", init=False)

    def placed(self, shard: str, content: HashedContent) -> Iterator[Placed]:
        """Yield every line that is not empty."""
        del shard
        for number, (start, size, line) in enumerate(lines_of(content), 1):
            if line is None or line.strip():
                yield number, start, size, self._found(line)

    def text_of(self, shard: str, record: bytes) -> str:
        """Return the text of a line."""
        del shard
        return self._text(_object(record))

    def _found(self, line: bytes | None) -> Found:
        """Return what is known of a sample by its line; `reason` where that is no sample."""
        key = None
        try:
            if line is None:
                raise ValueError(f"the line is over {MAX_LINE_BYTES:,} bytes")
            fields = _object(line)
            key = usable_id(fields.get("id"))
            return of_text(self._text(fields), key, *self._label(fields))
        except ValueError as error:
            return Found(key=key, reason=str(error))

    def _label(self, fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return the label, or why what stands there is none."""
        for name in self._label_names:
            if (label := value_at(fields, name)) is not None:
                return self._labels.of(label)
        return None, None

    @cached_property
    def _labels(self) -> LabelTexts:
        return LabelTexts(usable_label)

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
        return text_name(_object(record), self.fields)

    def others(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the fields of a line that are neither its text nor its label."""
        del shard
        return others_of(_object(record), self.fields, () if self.no_labels else self._label_names)


def _object(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode().strip(_SPACE)
    except UnicodeDecodeError as error:
        raise ValueError("the line is not UTF-8") from error
    try:
        found, end = _parse(text)
    except RecursionError as error:
        raise ValueError("the JSON of the line is nested too deep") from error
    except ValueError as error:
        raise ValueError("the line is not JSON") from error
    if end != len(text):
        raise ValueError("the line is not JSON")
    if not isinstance(found, dict):
        raise ValueError(f"the line is a JSON {type(found).__name__}, not an object")
    return found
