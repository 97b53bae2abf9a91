"""JSON in a file of any size as text, a part at a time, and the places where its values end."""

from __future__ import annotations

import codecs
import re

from prune.modalities.text.lines import Bytes

STEP = 1 << 20  # bytes that are read at once
_OUTSIDE = re.compile(r'["{}\[\],]')
_INSIDE = re.compile(r'["\\]')


class ValueEnd:
    """The place where a value of JSON ends, found in one piece of text after the other."""

    def __init__(self, closing: str = ",]") -> None:
        self._closing = closing  # what ends it where no bracket is open
        self._depth, self._quoted, self._escaped = 0, False, False

    def find(self, text: str, at: int) -> int:
        """Return the place of what ends it; −1 where that is not in the text."""
        if self._escaped and at < len(text):
            self._escaped, at = False, at + 1
        while (found := (_INSIDE if self._quoted else _OUTSIDE).search(text, at)) is not None:
            sign, at = found[0], found.end()
            if sign == '"':
                self._quoted = not self._quoted
            elif sign == "\\":
                if at == len(text):
                    self._escaped = True
                at += 1
            elif sign in "{[":
                self._depth += 1
            elif not self._depth and sign in self._closing:
                return at - 1
            elif sign != ",":
                self._depth = max(0, self._depth - 1)
        return -1


class JsonText:
    """A part of a file as text, and the place of its characters in the file; bytes that are no UTF-8 stay."""

    def __init__(self, source: Bytes) -> None:
        self.held = ""
        self._source, self._read, self._base = source, 0, 0  # bytes that were read; byte of the first sign
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._begun = False
        self.cut = False  # the file ended within a record
        self._known = 0, 0  # a sign, and how many bytes lie before it

    @property
    def bytes_held(self) -> int:
        """About how many bytes are held, at least the signs."""
        return self._read - self._base

    def more(self, size: int) -> bool:
        """Read on; say whether there was anything."""
        data = self._source.read(self._read, size)
        self._read += len(data)
        more = self._decoder.decode(data, not data)
        if not self._begun and more:
            self._begun = True
            if more.startswith("\ufeff"):
                self._base, more = 3, more[1:]
        self.held += more
        return bool(data or more)

    def drop(self, count: int) -> None:
        """Forget the first signs."""
        self._base = self.place(count)
        self.held, self._known = self.held[count:], (0, 0)

    def place(self, at: int) -> int:
        """Return the byte at which a sign lies; quick where signs ascend."""
        known, before = self._known if self._known[0] <= at else (0, 0)
        self._known = at, before + self.measured(known, at)[0]
        return self._base + self._known[1]

    def measured(self, start: int, end: int) -> tuple[int, bool]:
        """Return how many bytes signs take, and whether they are UTF-8."""
        if self.held.isascii():
            return end - start, True
        part = self.held[start:end]
        if part.isascii():
            return len(part), True
        try:
            return len(part.encode()), True
        except UnicodeEncodeError:
            return len(part.encode(errors="surrogateescape")), False

    def passed(self, gap: re.Pattern[str], at: int) -> int:
        """Return the place behind what may stand between records; it is another where more was read."""
        while True:
            found = gap.match(self.held, at)
            at = at if found is None else found.end()
            if at < len(self.held):
                return at
            self.drop(at)
            at = 0
            if not self.more(STEP):
                return 0

    def rest(self) -> int:
        """Return how many bytes there are in all."""
        while self.more(STEP):
            self.drop(len(self.held))
        return self._read
