"""Columns for what samples carry: of tables and records, each with a type that holds every value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from prune.exporters.carried_fields import bytes_in, carried, has_bytes
from prune.exporters.carried_form import BLANK, Carried, CarriedForm
from prune.exporters.job import ExportJob
from prune.exporters.weights import free_name

TEXTS = ("txt", "caption", "text", "json", "xml", "cls")  # extensions of files that tables hold as text
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


@dataclass
class CarriedColumn:
    """One column of an export, or what would be one, and what of each sample stands in it."""

    name: str  # in the source: of a column, or the extension of a file
    is_file: bool
    kind: pa.DataType
    called: str = ""  # in the export
    texts: bool = False  # whether a value of it is a text
    empty: bool = False  # whether one is the empty text
    missing: bool = False  # whether a sample has none

    @property
    def holds_bytes(self) -> bool:
        """Whether its values are bytes or images."""
        return self.kind in (pa.binary(), IMAGE)

    def of(self, one: Carried) -> Any:
        """Return what a sample carries of it."""
        return (one.files if self.is_file else one.columns).get(self.name)

    def cell(self, one: Carried) -> Any:
        """Return the same as the column holds it."""
        value = self.of(one)
        if self.kind == IMAGE and isinstance(value, bytes):
            return {"bytes": value, "path": None}
        if value is None or self.kind == IMAGE:
            return value
        if self.kind == pa.string() and not isinstance(value, str):
            return value.decode() if isinstance(value, bytes) else _as_text(value)
        if self.kind == pa.binary() and not isinstance(value, bytes):
            return bytes_in(value) if has_bytes(value) else str(value).encode()
        return float(value) if self.kind == pa.float64() else value

    def add(self, value: Any) -> None:
        """Widen the type to hold a value: whole numbers beside others become floats, all else is text."""
        if value is None:
            self.missing = True
            return
        kind = _type_of_file(self.name, value) if self.is_file else _type_of(value)
        self.texts |= isinstance(value, str)
        self.empty |= value in ("", b"")
        if self.kind == pa.null():
            self.kind = kind
        elif self.kind != kind:
            numbers = {self.kind, kind} == {pa.int64(), pa.float64()}
            binary = pa.binary() in (self.kind, kind)
            self.kind = pa.float64() if numbers else pa.binary() if binary else pa.string()


def carried_columns(job: ExportJob, taken: Sequence[str], *, bytes_too: bool = True) -> list[CarriedColumn]:
    """Return the columns for all that the exported samples carry, in the order found, with names that differ.

    Parameters
    ----------
    job
        The samples.
    taken
        Names that other columns of the export have.
    bytes_too
        Whether columns of bytes and images have a place in it; else they are not called anything.
    """
    found: dict[tuple[bool, str], CarriedColumn] = {}
    for count, one in enumerate(carried(job, job.rows)):
        for is_file, held in ((True, one.files), (False, one.columns)):
            for name in held:
                if (is_file, name) not in found and held[name] is not None:
                    found[is_file, name] = CarriedColumn(name, is_file, pa.null(), missing=count > 0)
        for column in found.values():
            column.add(column.of(one))
    names = list(taken)
    for column in found.values():
        if bytes_too or not column.holds_bytes:
            column.called = free_name(column.name, names)
            names.append(column.called)
    return list(found.values())


def form_of_columns(columns: Iterable[CarriedColumn], kinds: Mapping[str, str]) -> CarriedForm:
    """Return what these columns stand for.

    Parameters
    ----------
    columns
        Those of the export.
    kinds
        Of a type, or of `json`, what a text of it has to be read as; types that are not named stand as such.
    """
    held: dict[str, tuple[str, str]] = {}
    files: dict[str, tuple[str, str]] = {}
    for column in columns:
        nested = column.kind == pa.string() and not column.is_file and not column.texts
        kind = kinds.get("json" if nested else str(column.kind), "")
        if kind == BLANK and (column.empty or not column.missing):
            kind = ""
        if column.called and column.is_file:
            files[column.called] = (column.name, kind)
        elif column.called and (kind or column.called != column.name):
            held[column.called] = (column.name, kind)
    return CarriedForm(held, files)


def _as_text(value: Any) -> str:
    """Return a value of a column of texts: JSON where it is such, else as it is written, as a time."""
    plain = isinstance(value, list | dict | bool | int | float)
    return json.dumps(value, ensure_ascii=False, default=str) if plain else str(value)


def _type_of_file(extension: str, data: bytes) -> pa.DataType:
    text = extension.rpartition(".")[2] in TEXTS and _is_text(data)
    return pa.string() if text else pa.binary()


def _type_of(value: Any) -> pa.DataType:
    """Return the type of a column of metadata; lists and objects are JSON there."""
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64() if abs(value) < 2**63 else pa.string()
    if bytes_in(value) is not None:
        return pa.binary() if isinstance(value, bytes) else IMAGE
    if has_bytes(value):
        return pa.binary()
    return pa.float64() if isinstance(value, float) else pa.string()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
