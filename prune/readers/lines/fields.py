"""Which fields of a record hold its label and its id; those of its text: see `modalities.text.fields`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prune.modalities.text import fields
from prune.modalities.text.fields import TEXTS, TextFields
from prune.readers.sample import key_problem

LABELS = (*fields.LABELS, "cls")


def usable_id(value: Any) -> str | None:
    """Return an id as a key; None where it cannot be one."""
    if type(value) is int:  # the usual one
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    return None if key_problem(str(value)) else str(value)


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """Return what stands in a field, or at a path with dots through objects: `metadata.label`."""
    if path in record or "." not in path:
        return record.get(path)
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def others_of(record: Mapping[str, Any], text: TextFields, labels: Sequence[str]) -> dict[str, Any]:
    """Return the fields of a record but its label, and its text where that is one field, whole."""
    known = {_first(record, labels), text_name(record, text)}
    return {name: value for name, value in record.items() if name not in known}


def text_name(record: Mapping[str, Any], text: TextFields) -> str | None:
    """Return the field that is the text of a record, whole; None where it is made of several, or of turns."""
    if text.literals or len(text.paths) > 1:
        return None
    held: str | None = _first(record, text.paths or TEXTS)
    return held if held is not None and isinstance(record[held], str) else None


def _first(record: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((name for name in names if record.get(name) is not None), None)


class LabelTexts:
    """Values of labels as texts; those that were seen before cost a look-up."""

    def __init__(self, read: Callable[[Any], str | None]) -> None:
        self._read = read
        self._known: dict[Any, tuple[str | None, str | None]] = {}

    def of(self, value: Any) -> tuple[str | None, str | None]:
        """Return the text of a label, or why it is none; of None, neither."""
        if value is None:
            return None, None
        kept = type(value) is str or type(value) is int  # `True` would be found as 1
        if kept and (known := self._known.get(value)) is not None:
            return known
        try:
            found: tuple[str | None, str | None] = self._read(value), None
        except ValueError as error:
            found = None, str(error)
        if kept and len(self._known) < _KEPT:
            self._known[value] = found
        return found

    def of_all(self, values: Sequence[Any]) -> tuple[list[str | None], list[str | None]]:
        """Return the texts of labels, and why those are none that are not."""
        if set(map(type, values)) <= {str, int, type(None)}:
            known = {value: self.of(value) for value in set(values)}
            found = [known[value] for value in values]
        else:
            found = list(map(self.of, values))
        return [text for text, _ in found], [reason for _, reason in found]


_KEPT = 4096
