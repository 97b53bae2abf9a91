"""What a file of JSON holds, by its first bytes: an array of records, lines of records, or no data.

An array stands alone, or in an object as the field `data` or one like it: `{"version": 1, "data": [{…}, …]}`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal, TypeAlias

from prune.core.errors import DataError
from prune.readers.lines.containers import head_of, unpacked_name

Shape: TypeAlias = Literal["array", "lines"]

HEAD = 1 << 16  # bytes in which the first record begins
SUFFIX = ".json"
_FIELDS = frozenset(str.split("data rows records examples instances items"))
_GAP = re.compile(r"[ \t\r\n]*")
_RECORD = re.compile(r"[ \t\r\n]*(?:\{|\]|$)")  # the first one, or the end of an array without any
_decode = json.JSONDecoder().raw_decode


def is_json(name: str) -> bool:
    """Whether a file is called `.json`, compressed or not."""
    return unpacked_name(name).lower().endswith(SUFFIX)


def shape_of(path: Path) -> Shape | None:
    """Return what a file holds; None where that is neither, or cannot be read."""
    try:
        text = head_of(path, HEAD).decode("utf-8-sig", "replace")
    except DataError:
        return None
    if array_start(text) is not None:
        return "array"
    return "lines" if _are_lines(text) else None


def array_start(text: str) -> int | None:
    """Return the place behind the bracket that opens the array of records; None where there is none."""
    at = _passed(text, 0)
    if text.startswith("{", at):
        at = _field(text, at + 1)
    found = text.startswith("[", at) and _RECORD.match(text, at + 1) is not None
    return at + 1 if found else None


def _field(text: str, at: int) -> int:
    """Return where the value of the field of records begins, of an object whose fields begin at `at`."""
    try:
        while True:
            name, at = _decode(text, _passed(text, at))
            at = _passed(text, at)
            if not isinstance(name, str) or not text.startswith(":", at):
                return len(text)
            at = _passed(text, at + 1)
            if name in _FIELDS and text.startswith("[", at):
                return at
            _, at = _decode(text, at)
            at = _passed(text, at)
            if not text.startswith(",", at):
                return len(text)
            at += 1
    except (ValueError, RecursionError):
        return len(text)


def _are_lines(text: str) -> bool:
    """Whether an object stands in the first line, and another in the next that holds anything."""
    try:
        first, end = _decode(text, _passed(text, 0))
    except (ValueError, RecursionError):
        return False
    gap = text[end : _passed(text, end)]
    return isinstance(first, dict) and "\n" in gap and text.startswith("{", end + len(gap))


def _passed(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    assert found is not None  # it matches nothing, too
    return found.end()
