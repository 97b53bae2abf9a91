"""Tables of text: csv in any of its dialects, and tsv; a row is a sample, a cell its text.

The dialect is found in the first lines, of each file anew. The key of a sample is its column `id` where all
samples of the dataset have one and no two are the same, else `FILE:LINE` with the first line of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from prune.modalities.text.fields import TextFields
from prune.modalities.text.lines import Bytes
from prune.readers.folders.first_entries import glance
from prune.readers.folders.metadata import label_text
from prune.readers.lines.beside import holds_data_unread, refuse_table_of_images
from prune.readers.lines.containers import FileContent, HashedContent
from prune.readers.lines.csv_columns import CsvColumns, columns_of
from prune.readers.lines.csv_rows import CsvRow, rows_of
from prune.readers.lines.fields import LabelTexts, others_of, text_name, usable_id
from prune.readers.lines.line_files import find_files, is_named_like
from prune.readers.lines.raw_columns import Found, RawColumns, of_text
from prune.readers.lines.reader import LineReader

SUFFIXES = (".csv", ".tsv")
_METADATA = "metadata.csv"  # describes a folder of images


def looks_like(path: Path) -> bool:
    """Say whether this is a table of text, or a folder with one among its first 4096 entries.

    A folder with archives or arrays beside a table is none: there the table is of labels.
    """
    if not path.is_dir():
        return is_named_like(path.name, SUFFIXES)
    names = list(glance(path))
    found = any(is_named_like(name, SUFFIXES) and not _describes_images(name) for name in names)
    return found and not holds_data_unread(names)


def open_csv(
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    text_field: str | None = None,
    template: str | None = None,
    no_labels: bool = False,
) -> CsvTexts:
    """Open a file, those of a pattern, or those of a folder and its subfolders.

    Parameters
    ----------
    data
        The file, the folder or the pattern.
    split
        Which split, where names of files say that there are several; `train`, if not given.
    label_field
        Column of labels; if not given, the first of `LABELS` that there is.
    text_field, template
        What the text is; see `TextFields`. Numbers from 1 name columns of a file without a header.
    no_labels
        Whether no column is read as a label.

    Raises
    ------
    DataError
        There is no such file, or the first has no such columns.
    OptionError
        There is no such split, or an option cannot be read.
    """
    asked = TextFields.of(text_field, template)
    files = find_files(data, SUFFIXES, split, passed=_describes_images)
    first = files.root / files.names[0]
    if asked == TextFields():
        refuse_table_of_images(first)
    reader = CsvTexts(files, label_field, text_field, template, no_labels)
    reader.columns(files.names[0])
    return reader


def _describes_images(name: str) -> bool:
    return name.rpartition("/")[2] == _METADATA


@dataclass(frozen=True)
class CsvTexts(LineReader):
    """Files of rows; a sample is a row."""

    format: str = field(default="csv", init=False)

    def columns(self, shard: str) -> CsvColumns:
        """Return what the columns of a file hold.

        Raises
        ------
        DataError
            No column holds the text.
        """
        if shard not in self._columns:
            label = None if self.no_labels else (self.label_field or "")
            self._columns[shard] = columns_of(self.root / shard, self.fields, label)
        return self._columns[shard]

    @cached_property
    def _columns(self) -> dict[str, CsvColumns]:
        return {}

    def fill(self, columns: RawColumns, shard: str, content: HashedContent) -> None:
        """Add every row but the header."""
        held = self.columns(shard)
        found = _reading(held)
        rows = rows_of(content, held.dialect)
        if held.headed:
            next(rows, None)
        for row in rows:
            columns.add(row.number, row.start, row.size, found(row))

    def text_of(self, shard: str, record: bytes) -> str:
        """Return the text of a row."""
        columns = self.columns(shard)
        return columns.text_of(_cells(columns, record))

    def text_name(self, shard: str, record: bytes) -> str | None:
        """Return what the column of the text is called, where there is a header."""
        columns = self.columns(shard)
        row = dict(zip(columns.names, _cells(columns, record), strict=False))
        return text_name(row, columns.fields) if columns.headed else None

    def record(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the cells of a row by the names of columns."""
        columns = self.columns(shard)
        return dict(zip(columns.names, _cells(columns, record), strict=False))

    def others(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return the cells of a row that are neither its text nor its label, by the names of columns."""
        columns, row = self.columns(shard), self.record(shard, record)
        labels = () if columns.label is None else (columns.names[columns.label],)
        return others_of(row, columns.fields, labels)

    def heading(self, shard: str) -> bytes:
        """Return the byte order mark and the header with its line end, as far as there are any."""
        columns = self.columns(shard)
        if not columns.headed:
            return super().heading(shard)
        with FileContent(self.root / shard) as content:
            end = _end_of_first(content, columns)
            return content.read(0, end + 1)


def _cells(columns: CsvColumns, record: bytes) -> Sequence[str]:
    try:
        return next(columns.dialect.rows([record.decode()]), [])
    except UnicodeDecodeError as error:
        raise ValueError("the row is not UTF-8") from error


def _end_of_first(content: Bytes, columns: CsvColumns) -> int:
    row = next(rows_of(content, columns.dialect))
    return row.start + row.size


def _reading(columns: CsvColumns) -> Callable[[CsvRow], Found]:
    width, at_id, at_label = len(columns.names), columns.id, columns.label
    labels = LabelTexts(label_text)

    def found(row: CsvRow) -> Found:
        key = None
        try:
            if row.problem is not None:
                raise ValueError(row.problem)
            cells = row.cells
            if len(cells) != width:
                raise ValueError(_ragged(row, width))
            key = None if at_id is None else usable_id(cells[at_id])
            label = (None, None) if at_label is None else labels.of(cells[at_label])
            return of_text(columns.text_of(cells), key, *label)
        except ValueError as error:
            return Found(key=key, reason=str(error))

    return found


def _ragged(row: CsvRow, width: int) -> str:
    where = "the row" if row.number == row.last else f"the row of lines {row.number} to {row.last}"
    return f"{where} has {len(row.cells):,} cells, the first row of the file {width}"
