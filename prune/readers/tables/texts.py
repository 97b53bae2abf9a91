"""Columns of a table that hold its texts: which they are, and the text of every row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from prune.core.errors import OptionError
from prune.modalities.text.fields import LABELS, TEMPLATES, TEXTS, TextFields, find_fields
from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.tables import columns

IDS = ("__key__", "id")  # columns of keys
_TOO_LARGE = f"the text is over {MAX_LINE_BYTES:,} bytes"


@dataclass(frozen=True)
class TextColumns:
    """The columns that are read, and how a text is made of them."""

    fields: TextFields
    names: tuple[str, ...]
    guessed: bool = False  # it is the only one of text, whatever it is called

    def contents(self, batch: pa.Table) -> list[bytes | str]:
        """Return the UTF-8 bytes of the text of each row, or why there is none."""
        found = self._single(batch) if self._is_single(batch.schema) else list(self._joined(batch))
        return [_TOO_LARGE if len(data) > MAX_LINE_BYTES else data for data in found]

    def _is_single(self, schema: pa.Schema) -> bool:
        plain = self.fields.paths == self.names and not self.fields.literals
        return plain and len(self.names) == 1 and columns.holds_text(schema.field(self.names[0]).type)

    def _single(self, batch: pa.Table) -> list[bytes | str]:
        column, none = batch[self.names[0]], f"no text in the field {self.names[0]}"
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        held = column.cast(pa.large_binary()).to_pylist()
        return [(data if _is_utf8(data) else _NO_UTF8) if data else none for data in held]

    def _joined(self, batch: pa.Table) -> Iterator[bytes | str]:
        rows = batch.select(list(self.names))
        try:
            records = rows.to_pylist()
        except UnicodeDecodeError:  # of one row, if not of all
            if len(rows) == 1:
                yield _NO_UTF8
                return
            for place in range(len(rows)):
                yield from self._joined(rows.slice(place, 1))
            return
        for record in records:
            try:
                yield self.fields.text_of(record).encode()
            except ValueError as error:
                yield str(error)


def text_columns(
    schema: pa.Schema,
    features: columns.Features,
    *,
    text_field: str | None,
    template: str | None,
    where: str,
) -> TextColumns | None:
    """Return the columns of texts of a table; None where it is one of images or of features.

    Raises
    ------
    OptionError
        A column that was named does not exist, or holds no text.
    DataError
        Several columns could hold the texts.
    """
    chosen = TextFields.of(text_field, template)
    if chosen.paths:
        return _chosen(schema, chosen, required=None if template not in TEMPLATES else (0, -1))
    if columns.has_images(schema, features):
        return None
    kinds = {name: schema.field(name).type for name in schema.names}
    texts = [name for name, kind in kinds.items() if columns.holds_text(kind)]
    nested = [name for name, kind in kinds.items() if _may_be_chat(kind)]
    label = columns.label_column(schema, features, None, also=LABELS)
    others = [
        name for name, kind in kinds.items() if columns.holds_numbers(kind) or columns.holds_images(kind)
    ]
    found = find_fields(texts, nested, where=where, aside=[label or ""], by_name=bool(others))
    if not found.paths:
        return None
    known = len(found.paths) > 1 or found.paths[0] in nested or found.paths[0].lower() in TEXTS
    return TextColumns(found, found.paths, guessed=not known)


def _chosen(schema: pa.Schema, fields: TextFields, required: tuple[int, ...] | None) -> TextColumns:
    there = set(schema.names)
    names = fields.named_in(there)
    if required is not None:  # a well-known form, of which fields may lack
        asked = [names[place] for place in required]
        names = [name for name in names if name in there or name in asked]
    missing = next((name for name in names if name not in there), None)
    if missing is not None:
        raise OptionError(f"no column is called {missing!r}", f"columns: {', '.join(schema.names)}")
    for name in names:
        kind = schema.field(name).type
        number = fields.literals and columns.is_number(kind)
        if not (number or columns.holds_text(kind) or _is_nested(kind) or pa.types.is_null(kind)):
            raise OptionError(f"column {name} is of type {kind}", "name a column of text")
    return TextColumns(fields, tuple(names))


def without(schema: pa.Schema, texts: TextColumns) -> pa.Schema:
    """Return the other columns: those that may hold labels."""
    return pa.schema([field for field in schema if field.name not in texts.names], schema.metadata)


def remark_on(texts: TextColumns) -> list[str]:
    """Say which column was taken for the texts though it is not called so."""
    return (
        [f"texts are those of the column {texts.names[0]}; for others: --text-field NAME"]
        if texts.guessed
        else []
    )


def _may_be_chat(kind: pa.DataType) -> bool:
    return _is_nested(kind) and not columns.holds_numbers(kind)


def _is_nested(kind: pa.DataType) -> bool:
    return columns.is_list(kind) or (pa.types.is_struct(kind) and not columns.holds_images(kind))


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


_NO_UTF8 = "the text is not UTF-8"
