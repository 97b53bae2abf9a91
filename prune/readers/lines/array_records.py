"""The records of a JSON array in a file of any size, one by one, each with the bytes in which it lies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from prune.core.safe_text import counted
from prune.modalities.text.lines import MAX_LINE_BYTES, Bytes
from prune.readers.lines.json_shape import HEAD, array_start
from prune.readers.lines.json_text import STEP, JsonText, ValueEnd

_MOST = 16 << 20  # bytes of a long record that are read at once
_GAP = re.compile(r"[ \t\r\n]*")
_decode = json.JSONDecoder().raw_decode


class ArrayRecord(NamedTuple):
    """One record."""

    start: int  # its first byte
    size: int
    value: Any = None
    problem: str | None = None  # why it has no value
    cut: bool = False  # whether the file ends before its array does: nobody knows how many are lost


def records_of(source: Bytes) -> Iterator[ArrayRecord]:
    """Yield what stands between the commas of the array, read front to back; a broken record has a `problem`.

    What is broken ends at the next comma or bracket outside of brackets and quotes. The last record says so
    where the array is not closed, or something else follows. Memory: one record, at most 64 MiB, and 1 MiB.
    """
    text = JsonText(source)
    while len(text.held) < HEAD and text.more(HEAD):
        pass
    start = array_start(text.held)
    if start is None:
        yield ArrayRecord(0, text.rest(), problem="the file holds no array of records")
        return
    in_object, at = not text.held.lstrip().startswith("["), start
    behind = False  # a record, where a comma may stand
    while True:
        at = text.passed(_GAP, at)
        if at == len(text.held):
            yield _unclosed(text, at)
            return
        if text.held[at] == "]":
            break
        if text.held[at] == ",":
            if not behind:
                place = text.place(at)
                yield ArrayRecord(place, 0, problem=f"there is no record before the comma at byte {place:,}")
            at, behind = at + 1, False
            continue
        record, at = _fast(text, at) or _slow(text, at)
        behind = True
        yield record
        if text.cut:
            return
    yield from _behind(text, at + 1, in_object=in_object)


def _fast(text: JsonText, at: int) -> tuple[ArrayRecord, int] | None:
    """Return a record that is whole and at hand, and where it ends; None for any other."""
    held = text.held
    try:
        value, end = _decode(held, at)
    except (ValueError, RecursionError):
        return None
    gap = _GAP.match(held, end)
    assert gap is not None  # it matches nothing, too
    if held[gap.end() : gap.end() + 1] not in {",", "]"}:
        return None
    start = text.place(at)
    size, sound = text.measured(at, end)
    problem = None if sound else _not_utf8(start)
    return ArrayRecord(start, size, value, problem), gap.end()


def _slow(text: JsonText, at: int) -> tuple[ArrayRecord, int]:
    """Return a record that is not all at hand, or broken, and where it ends in what is held then."""
    start = text.place(at)
    text.drop(at)
    scanner, seen = ValueEnd(), 0
    while (end := scanner.find(text.held, seen)) < 0:
        seen = len(text.held)
        if text.bytes_held > MAX_LINE_BYTES:
            return _too_long(text, start, scanner)
        if not text.more(min(max(STEP, seen), _MOST)):
            text.cut, end = True, len(text.held)
            break
    end = len(text.held[:end].rstrip(" \t\r\n"))
    size, sound = text.measured(0, end)
    if text.cut:
        problem = f"the file ends within the record that begins at byte {start:,}"
        return ArrayRecord(start, size, problem=problem, cut=True), end
    if size > MAX_LINE_BYTES or not sound:
        problem = _over(start) if size > MAX_LINE_BYTES else _not_utf8(start)
        return ArrayRecord(start, size, problem=problem), end
    return ArrayRecord(start, size, *_value(text.held[:end], start)), end


def _value(piece: str, start: int) -> tuple[Any, str | None]:
    """Return what a record says, or why it says nothing."""
    try:
        value, end = _decode(piece)
    except RecursionError:
        return None, f"the JSON of the record is nested too deep, from byte {start:,} on"
    except ValueError:
        end = -1
    if end == len(piece):
        return value, None
    return None, f"the record is not JSON, from byte {start:,} on"


def _too_long(text: JsonText, start: int, scanner: ValueEnd) -> tuple[ArrayRecord, int]:
    """Pass over a record that is longer than any may be; nothing of it is kept."""
    end = -1
    while end < 0:
        text.drop(len(text.held))
        if not text.more(STEP):
            text.cut, end = True, 0
            break
        end = scanner.find(text.held, 0)
    return ArrayRecord(start, text.place(end) - start, problem=_over(start), cut=text.cut), end


def _over(start: int) -> str:
    return f"the record at byte {start:,} is over {counted(MAX_LINE_BYTES, 'byte')}"


def _not_utf8(start: int) -> str:
    return f"the record at byte {start:,} is not UTF-8"


def _unclosed(text: JsonText, at: int) -> ArrayRecord:
    place = text.place(at)
    return ArrayRecord(place, 0, problem=f"the file ends at byte {place:,}, before its array does", cut=True)


def _behind(text: JsonText, at: int, *, in_object: bool) -> Iterator[ArrayRecord]:
    """Yield a record that is none where something is missing behind the array, or too much is there."""
    start = text.place(at)
    text.drop(at)
    if in_object:
        scanner, end = ValueEnd(closing="}"), -1
        while (end := scanner.find(text.held, 0)) < 0:
            text.drop(len(text.held))
            if not text.more(STEP):
                what = f"the file ends at byte {text.place(0):,}, unclosed"
                yield ArrayRecord(start, 0, problem=what, cut=True)
                return
        text.drop(end + 1)
    at = text.passed(_GAP, 0)
    if at < len(text.held):
        place = text.place(at)
        yield ArrayRecord(place, 0, problem=f"something stands behind the array, at byte {place:,}")
