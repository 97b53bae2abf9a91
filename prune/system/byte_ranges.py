"""Byte ranges of a file, copied: the next ones are read while these are written, or one after the other.

Small gaps are read along, into a place that nobody looks at: one call takes hundreds of ranges, whose bytes
arrive side by side. Two buffers are all the memory it takes, however large a range is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from prune.system.files import NewFile
from prune.system.side_thread import SideThread

_BUFFER = 2 << 20  # bytes; two of them, and the caches of a processor still hold them
_ALONE = 512 << 10  # of one that is read, digested and written by the same core, whose own cache holds it
_GAP = 16 << 10  # bytes between two ranges that are read along: another call would take longer
_PIECES = 512  # places of one call; the system takes 1024
_AHEAD = 4 << 20  # bytes that the device is told of before they are read: it fetches them meanwhile
_TOLD = 1 << 20  # bytes that it is told of at once

Offsets = NDArray[np.int64]


def joined(starts: Offsets, stops: Offsets) -> tuple[Offsets, Offsets]:
    """Return ranges with those that lie end to end as one."""
    first = np.flatnonzero(np.concatenate([[True], starts[1:] != stops[:-1]]))
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    return starts[first], stops[last]


def copy_ranges(fd: int, starts: Offsets, stops: Offsets, out: NewFile, *, ahead: bool = True) -> None:
    """Append ranges of an open file; one that ends before is an `EOFError`.

    `ahead`: another thread reads; where many copy side by side, each does better alone.
    """
    ranges, whole = _Ranges(fd, starts, stops), int((stops - starts).sum())
    if not ahead:
        buffer = memoryview(bytearray(min(_ALONE, whole)))
        while held := ranges.read(buffer):
            out.write(buffer[:held])
        return
    full, empty = (memoryview(bytearray(min(_BUFFER, whole))) for _ in range(2))
    with contextlib.closing(SideThread()) as aside:
        held = ranges.read(full)
        while held:
            coming = aside.begin(ranges.read, empty)
            out.write(full[:held])
            held = coming.result()
            full, empty = empty, full


class _Ranges:
    """What is left to be read."""

    def __init__(self, fd: int, starts: Offsets, stops: Offsets) -> None:
        self._fd = fd
        self._left = zip(starts.tolist(), stops.tolist(), strict=True)
        self._at = self._stop = 0  # of the range that is being read
        self._spans = _spans(starts.tolist(), stops.tolist())
        self._ahead = 0  # bytes that the device was told of, and that are not read yet
        self._gap = memoryview(bytearray(_GAP))

    def read(self, buffer: memoryview) -> int:
        """Fill a buffer; return how many bytes, fewer than fit in only at the end."""
        held = 0
        self._tell(len(buffer))
        while held < len(buffer) and self._more():
            offset, pieces, held = self._gather(buffer, held)
            _read(self._fd, pieces, offset)
        return held

    def _tell(self, size: int) -> None:
        """Let the system fetch what will be read after the next bytes."""
        if not hasattr(os, "posix_fadvise"):
            return
        self._ahead -= size
        while self._ahead < _AHEAD and (span := next(self._spans, None)) is not None:
            offset, length, wanted = span
            os.posix_fadvise(self._fd, offset, length, os.POSIX_FADV_WILLNEED)
            self._ahead += wanted

    def _gather(self, buffer: memoryview, held: int) -> tuple[int, list[memoryview], int]:
        """Return the places of ranges near each other, and where in the file the first begins."""
        offset = end = self._at
        pieces: list[memoryview] = []
        while held < len(buffer) and len(pieces) < _PIECES and self._more():
            gap = self._at - end
            if not 0 <= gap <= _GAP:
                break
            if gap:
                pieces.append(self._gap[:gap])
            size = min(self._stop - self._at, len(buffer) - held)
            pieces.append(buffer[held : held + size])
            held, self._at = held + size, self._at + size
            end = self._at
        return offset, pieces, held

    def _more(self) -> bool:
        while self._at >= self._stop:
            following = next(self._left, None)
            if following is None:
                return False
            self._at, self._stop = following
        return True


def _spans(starts: list[int], stops: list[int]) -> Iterator[tuple[int, int, int]]:
    """Yield pieces of the ranges: where they begin, how long they are with the gaps, how much is wanted."""
    begin = end = wanted = 0
    for start, stop in zip(starts, stops, strict=True):
        while start < stop:
            if end - begin >= _TOLD or not 0 <= start - end <= _GAP:
                if wanted:
                    yield begin, end - begin, wanted
                begin, wanted = start, 0
            end = min(stop, start + _TOLD)
            wanted += end - start
            start = end
    if wanted:
        yield begin, end - begin, wanted


def _read(fd: int, places: list[memoryview], offset: int) -> None:
    """Fill places with what stands in the file from `offset`."""
    while places:
        got = os.preadv(fd, places, offset)
        if not got:
            early = sum(map(len, places))
            raise EOFError(f"the source ends at byte {offset}, {early} bytes early")
        offset += got
        places = _unfilled(places, got)


def _unfilled(places: list[memoryview], got: int) -> list[memoryview]:
    """Return what is left of places of which the first bytes are filled: as a rule, nothing."""
    for number, place in enumerate(places):
        if got < len(place):
            return [place[got:], *places[number + 1 :]]
        got -= len(place)
    return []
