"""The rows of a csv file with the lines they come from, so that a row can be copied byte for byte."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field

from prune.core.safe_text import counted
from prune.modalities.text.lines import Bytes, lines_of
from prune.readers.lines.csv_dialect import MAX_RECORD_BYTES, CsvDialect


@dataclass(frozen=True)
class CsvRow:
    """A row: its cells, or why it is none; its first and last line from 1, its place."""

    number: int
    last: int
    start: int
    size: int  # without the line end
    cells: list[str] = field(default_factory=list)
    problem: str | None = None


class _LongRowError(Exception):
    """A row is longer than any may be."""


class _LineFeed:
    """Lines as `csv` takes them, one when it asks; it notes which make up a row."""

    def __init__(self, content: Bytes, quote: str) -> None:
        self._lines = enumerate(lines_of(content), 1)
        self._quote = quote.encode()
        self.begin()

    def begin(self) -> None:
        """Forget the row before."""
        self.first = self.last = self.start = self.end = 0
        self.opened, self._quotes = 0, 0  # the line of the last quote that none closes; how many there are
        self.bad = self.over = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            self.last, (start, size, line) = next(self._lines)
        except StopIteration:
            self.over = self.first > 0  # asked for more in the middle of a row
            raise
        if not self.first:
            self.first, self.start = self.last, start
        self.end = start + size
        if line is None or self.end - self.start > MAX_RECORD_BYTES:
            raise _LongRowError
        before, self._quotes = self._quotes, self._quotes + line.count(self._quote)
        if before % 2 == 0 and self._quotes % 2:
            self.opened = self.last
        end = "\r\n" if size > len(line) else "\n"
        try:
            return line.decode() + end
        except UnicodeDecodeError:
            self.bad = True
            return line.decode(errors="replace") + end


def rows_of(content: Bytes, dialect: CsvDialect) -> Iterator[CsvRow]:
    """Yield every row that is not an empty line. Memory: one row, of at most 16 MiB."""
    feed = _LineFeed(content, dialect.quotechar)
    rows = dialect.rows(feed)
    while True:
        feed.begin()
        problem, cells = None, list[str]()
        try:
            cells = next(rows)
        except StopIteration:
            return
        except _LongRowError:
            problem = _too_long(feed)
            rows = dialect.rows(feed)
        except csv.Error as error:
            problem = f"the row is no csv: {_reason(error)}"
            rows = dialect.rows(feed)
        if feed.over:
            problem = _unclosed(feed)
        elif feed.bad and problem is None:
            problem = "the row is not UTF-8"
        if cells or problem:
            yield CsvRow(feed.first, feed.last, feed.start, feed.end - feed.start, cells, problem)


def _unclosed(feed: _LineFeed) -> str:
    """Say where a quote stands that is never closed, and what is lost with it."""
    said = f"a quote in line {feed.opened or feed.first} is never closed"
    if feed.first == feed.last:
        return said
    count = counted(feed.last - feed.first + 1, "line")
    return f"{said}: {count} up to line {feed.last}, the last, are one row and are not read"


def _too_long(feed: _LineFeed) -> str:
    if feed.first == feed.last:
        return f"the row is over {MAX_RECORD_BYTES:,} bytes"
    lines = f"lines {feed.first} to {feed.last}"
    return f"{lines} are one row of over {MAX_RECORD_BYTES:,} bytes: a quote is missing"


def _reason(error: csv.Error) -> str:
    said = str(error)
    return "a carriage return stands outside quotes" if "new-line character" in said else said
