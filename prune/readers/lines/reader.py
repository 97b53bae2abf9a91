"""What readers of files of records share: their files, keys, labels, and where the bytes of a record lie."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prune.core.errors import DataError
from prune.modalities.text.fields import TextFields
from prune.readers.key_clashes import all_differ
from prune.readers.labels.exported_classes import ExportedClass, exported_classes, in_order
from prune.readers.labels.file import LabelFile
from prune.readers.lines.containers import HashedContent, head_of
from prune.readers.lines.encodings import MARK, refuse_utf16
from prune.readers.lines.line_files import LineFiles
from prune.readers.lines.raw_columns import RawColumns
from prune.readers.lines.records import read_places
from prune.readers.sample import RAW, ReaderBase, Unit, number_order, with_sources

_HEAD = 1 << 20  # bytes in which the first line ends


@dataclass(frozen=True)
class LineReader(ReaderBase):
    """Files of records; a sample is a record."""

    files: LineFiles
    label_field: str | None = None
    text_field: str | None = None
    template: str | None = None
    no_labels: bool = False
    label_file: LabelFile | None = None
    modality: str = field(default="text", init=False)

    @cached_property
    def fields(self) -> TextFields:
        """What the user said of the fields that hold the text."""
        return TextFields.of(self.text_field, self.template)

    @abstractmethod
    def fill(self, columns: RawColumns, shard: str, content: HashedContent) -> None:
        """Add every record of a file, in its order, with its place."""

    @abstractmethod
    def text_of(self, shard: str, record: bytes) -> str:
        """Return the text of a record; a `ValueError` says why it has none."""

    @abstractmethod
    def record(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return all fields of a record."""

    @abstractmethod
    def others(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the fields of a record that are neither its text nor its label, for exporters."""

    def text_name(self, shard: str, record: bytes) -> str | None:
        """Return what the field of the text is called; None where the text is not one field, whole."""
        del shard, record
        return None

    @property
    def root(self) -> Path:
        """The folder that names of files are relative to."""
        return self.files.root

    @property
    def split(self) -> str | None:
        """The split that the files are of."""
        return self.files.split

    @property
    def options(self) -> Mapping[str, Any]:
        """Which fields are read."""
        found = {"label_field": self.label_field, "text_field": self.text_field, "no_labels": self.no_labels}
        return found if self.template is None else found | {"template": self.template}

    @property
    def guesses_labels(self) -> bool:
        """Whether nobody said where the labels are."""
        return self.label_field is None

    @property
    def places(self) -> Sequence[Path]:
        """The folder, or the files that were named."""
        return (self.root,) if self.files.whole else [self.root / name for name in self.files.names]

    @cached_property
    def exported(self) -> Mapping[str, ExportedClass]:
        """The classes that an export lists, by what stands for them; nothing of other data."""
        return {} if self.label_file is not None else exported_classes([*self.places, self.root])

    def units(self) -> Iterator[Unit]:
        """Yield one unit a file."""
        for name in self.files.names:
            yield Unit(name, (name,))

    def scan(self, unit: Unit) -> pa.Table:
        """Read every record: its id, its label, its place, the digest of its text.

        Raises
        ------
        DataError
            The file cannot be read.
        """
        name = unit.files[0]
        refuse_utf16(self.root / name)
        columns = RawColumns(name)
        with HashedContent(self.root / name) as content:
            self.fill(columns, name, content)
            digest = content.sha256()
        return with_sources(columns.table(), {name: digest})

    def told_apart(self, raw: pa.Table) -> pa.Table:
        """Return samples with the keys `FILE:LINE` where ids are missing or stand twice, else as they are."""
        numbered, whole = False, True
        parts = raw.select(["key", "shard", "index", "reason"]).to_batches()
        for part in parts:
            placed = pc.equal(part["key"], _places(part))
            numbered = numbered or pc.any(pc.and_(placed, pc.is_null(part["reason"]))).as_py()
            whole = whole and pc.all(placed).as_py()
        if whole or (not numbered and all_differ(raw["key"])):
            return raw
        places = pa.chunked_array([_places(part) for part in parts], pa.string())
        return raw.set_column(RAW.get_field_index("key"), RAW.field("key"), places)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the labels: by value if all are whole numbers, else as text.

        Of an export that lists its classes, all of them, by their ids.

        Raises
        ------
        DataError
            A label field was named, and no sample has it.
        """
        if self.label_field is not None and not labels:
            raise DataError(
                f"no sample has the field {self.label_field!r}", "name another with --label-field"
            )
        return (in_order(self.exported.values(), labels) if labels else None) or number_order(labels)

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the text of each row; one file is open at a time.

        Raises
        ------
        DataError
            A file is gone, or holds something else at that place.
        """
        yield from self.texts(samples, read_places(self.root, samples))

    def texts(self, samples: pa.Table, records: Iterator[bytes]) -> Iterator[str]:
        """Yield the text of each row, given its record.

        Raises
        ------
        DataError
            The record is something else.
        """
        for part in samples.select(["key", "shard"]).to_batches(max_chunksize=_BATCH):
            for key, shard in zip(part["key"].to_pylist(), part["shard"].to_pylist(), strict=True):
                try:
                    text = self.text_of(shard, next(records))
                except ValueError as error:
                    raise DataError(f"{key} is no longer as it was: {error}", _AGAIN) from error
                yield text

    def records(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each row's record, without its line end; fast for rows that ascend."""
        ends = {name: self.line_end(name) for name in pc.unique(samples["shard"]).to_pylist()}
        returns = (end == b"\r\n" for end in _ends(samples, ends))
        for record, returned in zip(read_places(self.root, samples), returns, strict=True):
            yield record.removesuffix(b"\r") if returned else record

    def heading(self, shard: str) -> bytes:
        """Return what stands before the first record and belongs to every part of the file."""
        return MARK if head_of(self.root / shard, len(MARK)) == MARK else b""

    def line_end(self, shard: str) -> bytes:
        """Return what ends the first line of a file."""
        head = head_of(self.root / shard, _HEAD)
        end = head.find(b"\n")
        return b"\r\n" if end > 0 and head[end - 1 : end] == b"\r" else b"\n"


def _places(part: pa.RecordBatch) -> pa.Array:
    """Return `FILE:LINE` of each row."""
    return pc.binary_join_element_wise(part["shard"], pc.cast(part["index"], pa.string()), ":")


def _ends(samples: pa.Table, ends: Mapping[str, bytes]) -> Iterator[bytes]:
    for part in samples.select(["shard"]).to_batches(max_chunksize=_BATCH):
        yield from (ends[name] for name in part["shard"].to_pylist())


_BATCH = 4096  # rows that are held as objects at once
_AGAIN = "scan the dataset again"
