"""Files of JSON that hold an array of records: `[{…}, …]`, or `{"data": [{…}, …]}` as `datasets` reads it.

The key of a sample is its field `id` where all samples of the dataset have one and no two are the same, else
`FILE:RECORD`, records from 1. Files are read in the order of their names, each from front to back.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa

from prune.core.errors import DataError
from prune.modalities.text.fields import TextFields
from prune.readers.folders.first_entries import glance_paths
from prune.readers.lines.array_records import ArrayRecord, records_of
from prune.readers.lines.containers import FileContent, HashedContent
from prune.readers.lines.fields import usable_id
from prune.readers.lines.json_shape import HEAD, SUFFIX, is_json, shape_of
from prune.readers.lines.jsonl import JsonLines, object_of
from prune.readers.lines.line_files import find_files
from prune.readers.lines.raw_columns import Found, RawColumns
from prune.readers.lines.records import read_places

SUFFIXES = (SUFFIX,)
_LOOKED_AT = 16  # files of a folder: many small ones describe other data
_SEPARATOR = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")
_ENDING = re.compile(rb"[ \t\r\n]*\]")


class ArrayFrame(NamedTuple):
    """What stands around records that are elements of an array."""

    heading: bytes = b"[\n"
    between: bytes = b",\n"
    ending: bytes = b"\n]\n"


def looks_like(path: Path) -> bool:
    """Say whether this is a file of an array of records, or a folder with one among its first entries."""
    if not path.is_dir():
        return _is_array(path)
    found = (Path(name) for name in glance_paths(path) if is_json(name))
    return any(map(_is_array, itertools.islice(found, _LOOKED_AT)))


def open_json(
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    text_field: str | None = None,
    template: str | None = None,
    no_labels: bool = False,
) -> JsonArrays:
    """Open a file, those of a pattern, or those of a folder and its subfolders.

    Parameters
    ----------
    data
        The file, the folder or the pattern; in a folder, files of JSON without an array are passed over.
    split
        Which split, where names of files say that there are several; `train`, if not given.
    label_field
        Field of the records, or path with dots; if not given, the first of `LABELS` that a record has.
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
    files = find_files(data, SUFFIXES, split, passed=lambda name: not _is_array(Path(data) / name))
    return JsonArrays(files, label_field, text_field, template, no_labels)


def _is_array(file: Path) -> bool:
    return is_json(file.name) and shape_of(file) == "array"


@dataclass(frozen=True)
class JsonArrays(JsonLines):
    """Files of arrays; a sample is a record."""

    format: str = field(default="json", init=False)
    what: ClassVar[str] = "record"

    def fill(self, columns: RawColumns, shard: str, content: HashedContent) -> None:
        """Add every record, whether it is a sample or broken.

        Raises
        ------
        DataError
            The file ends before its array does.
        """
        for number, record in enumerate(records_of(content), 1):
            if record.cut:
                what = f"{self.root / shard} is cut short: {record.problem}"
                raise DataError(what, "copy or make the file again, or look for a quote that is never closed")
            columns.add(number, record.start, record.size, self._found_in(record))

    def _found_in(self, record: ArrayRecord) -> Found:
        if record.problem is not None:
            return Found(reason=record.problem)
        key = None
        try:
            fields: dict[str, Any] = object_of(record.value, self.what)
            key = usable_id(fields.get("id"))
            return self.of_fields(fields, key)
        except ValueError as error:
            return Found(key=key, reason=str(error))

    def records(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each row's record; fast for rows that ascend."""
        return read_places(self.root, samples)

    def line_end(self, shard: str) -> bytes:
        """Return what ends the records of a file that is made of these."""
        del shard
        return b"\n"

    def frame(self, shard: str, places: pa.Table) -> ArrayFrame:
        """Return what stands around the records of a file, given the places of all of them in its order.

        That of a whole array: where the file says something else, or is too much, it is the usual.
        """
        starts, sizes = places["offset"].to_pylist(), places["size"].to_pylist()
        usual = ArrayFrame()
        with FileContent(self.root / shard) as content:
            heading = content.read(0, starts[0]) if starts[0] <= HEAD else usual.heading
            between = usual.between
            if len(starts) > 1 and starts[1] - starts[0] - sizes[0] <= HEAD:
                between = content.read(starts[0] + sizes[0], starts[1] - starts[0] - sizes[0])
            ending = content.read(starts[-1] + sizes[-1], HEAD)
        between = between if _SEPARATOR.fullmatch(between) else usual.between
        in_object = heading.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        whole = _ENDING.match(ending) and ending.rstrip().endswith(b"}" if in_object else b"]")
        if not whole or len(ending) == HEAD:
            ending = b"\n]}\n" if in_object else usual.ending
        return ArrayFrame(heading, between, ending)
