"""Columns `field.NAME`: values of any kind, each once a part, so that memory is that of a part.

A part has a code for each row, −1 where there is none, and beside it lies the attachment `values`: the kind
of its values, and these in the order in which they first stand. Parts may differ in kind: the column as a
whole is of the narrowest that holds all, which is text where numbers and words meet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.errors import OptionError
from prune.store.column import Column, ColumnPart, ColumnWriter

MOST_BYTES = 256 << 20  # of the values of a part
Codes = npt.NDArray[np.int32]  # (n,); −1: no value

_KINDS = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string()}
_WHOLE = 2**63


class FieldColumn:
    """A column of the dataset, read back as values."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.name: str = column.recipe["field"]
        self.kind = "none"
        for number in range(-(-len(column) // column.part_rows)):
            self.kind = wider(self.kind, self._held(number)["kind"])

    @property
    def type(self) -> pa.DataType:
        """The type of all values; of a column without any that of text."""
        return _KINDS.get(self.kind, pa.string())

    def blocks(self) -> Iterator[tuple[int, pa.Array]]:
        """Yield (first row, values) part by part; null where a sample has none."""
        for number, (start, codes) in enumerate(self.column.blocks()):
            values = pa.array(self._values(number), self.type)
            yield start, values.take(pa.array(codes, mask=codes < 0))

    def coded(self, most: int) -> tuple[Codes, list[Any]]:
        """Return a code for every row, and the values that these stand for, by first appearance.

        Raises
        ------
        OptionError
            There are more than so many.
        """
        places: dict[Any, int] = {}
        found = np.empty(len(self.column), np.int32)
        for number, (start, codes) in enumerate(self.column.blocks()):
            own = [places.setdefault(value, len(places)) for value in self._values(number)]
            if len(places) > most:
                raise too_many(self.name, most)
            found[start : start + len(codes)] = np.array([*own, -1], np.int32)[codes]
        return found, list(places)

    def _held(self, number: int) -> dict[str, Any]:
        held: dict[str, Any] = json.loads(self.column.attachment("values", number))
        return held

    def _values(self, number: int) -> list[Any]:
        """Return the values of a part as those of the column's kind; numbers beside words as they stand."""
        held = self._held(number)
        if self.kind == "text":
            words = held.get("words", held["values"])
            return [value if isinstance(value, str) else json.dumps(value) for value in words]
        return [float(value) if self.kind == "float" else value for value in held["values"]]


def too_many(name: str, most: int) -> OptionError:
    """Return the error of a column whose values tell nearly all samples apart."""
    what = f"the column {name!r} has over {most:,} different values: it tells samples apart, and no groups"
    return OptionError(what, "--by a column with fewer values")


def put_values(writer: ColumnWriter, part: ColumnPart, values: Iterable[Any], *, untyped: bool) -> None:
    """Write a part, a value a row.

    Parameters
    ----------
    untyped
        Whether values are words of a table of text: what is written like a number is one, and an empty word
        is no value.

    Raises
    ------
    OptionError
        The values take too much memory.
    """
    places: dict[Any, int] = {}
    codes, size = np.empty(part.stop - part.start, np.int32), 0
    for at, value in enumerate(values):
        plain = _plain(value, untyped=untyped)
        if plain is None:
            codes[at] = -1
            continue
        key = (type(plain), plain)  # 1, 1.0 and true are equal to Python
        before = len(places)
        codes[at] = places.setdefault(key, before)
        if len(places) > before:
            size += len(plain) if isinstance(plain, str) else 8
            if size > MOST_BYTES:
                what = f"the column {writer.recipe['field']!r} holds over {MOST_BYTES >> 20} MB of text"
                raise OptionError(f"{what} in {part.stop - part.start:,} samples", "choose by a shorter one")
    words = [value for _, value in places]
    held, kind, beside = words, _kind_of(words), {}
    if untyped and kind == "text":
        held, kind = _numbers(words)
        if kind == "float":  # another part may show that `1.10` is a name
            beside = {"words": words}
    said = json.dumps({"kind": kind, "values": held, **beside}, ensure_ascii=False, separators=(",", ":"))
    writer.attach("values", part.number, said.encode(), "json")
    writer.put(part, codes)


def wider(one: str, other: str) -> str:
    """Return the narrowest kind that holds both."""
    if one == other or other == "none":
        return one
    if one == "none":
        return other
    return "float" if {one, other} == {"int", "float"} else "text"


def _plain(value: Any, *, untyped: bool) -> bool | int | float | str | None:
    """Return a value as one of the kinds that columns hold: lists and objects become JSON; None: nothing."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_WHOLE <= value < _WHOLE else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        plain = value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
        return None if untyped and not plain else plain
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)  # a date, a decimal


def _kind_of(values: Iterable[Any]) -> str:
    kind = "none"
    for value in values:
        name = {bool: "bool", int: "int", float: "float"}.get(type(value), "text")
        kind = wider(kind, name)
    return kind


def _numbers(words: list[str]) -> tuple[list[Any], str]:
    """Return words as numbers where all are written like one, and none would lose what tells it apart."""
    for kind, read in (("int", _whole), ("float", _decimal)):
        found = [read(word) for word in words]
        if None not in found and len(set(found)) == len(words):
            return found, kind
    return words, "text"


def _whole(word: str) -> int | None:
    """Return a whole number as one writes it; `007` is a name."""
    try:
        number = int(word)
    except ValueError:
        return None
    return number if str(number) == word and -_WHOLE <= number < _WHOLE else None


def _decimal(word: str) -> float | None:
    if word.lstrip("-").startswith("0") and not word.lstrip("-").startswith("0.") and word not in {"0", "-0"}:
        return None
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) and not word.isspace() and "_" not in word else None
