"""The dialect of a csv file, from its first lines: delimiter, quotes, and the names of its columns."""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import DataError
from prune.readers.lines.containers import head_of, unpacked_name
from prune.readers.lines.encodings import MARK, refuse_utf16, rewritten

MAX_RECORD_BYTES = 16 << 20
MAX_COLUMNS = 4096
_HEAD = 1 << 20  # bytes that the first line may have
_LOOK = 1 << 16  # bytes that are looked at, where lines are short
_ROWS = 64
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class CsvDialect:
    """How the rows of a file are written, in the words of the module `csv`."""

    delimiter: str = ","
    quotechar: str = '"'
    quoted: bool = True  # fields may stand in quotes
    escapechar: str | None = None  # before a quote in quotes, where quotes are not doubled

    def rows(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Return what reads rows from lines with their ends; the lines of a row are taken when it is asked.

        With `strict`, a cell goes on behind its last quote only where a quote was missing: a `csv.Error`.
        """
        csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_BYTES))
        options: dict[str, Any] = {"delimiter": self.delimiter, "quotechar": self.quotechar, "strict": strict}
        if not self.quoted:
            options["quoting"] = csv.QUOTE_NONE
        elif self.escapechar:
            options |= {"escapechar": self.escapechar, "doublequote": False}
        return csv.reader(lines, **options)


def look_at(path: Path) -> tuple[CsvDialect, list[str]]:
    """Return the dialect of a file, and the cells of its first row that is not empty.

    Raises
    ------
    DataError
        It cannot be read, holds no row, or one that is too long or of too many cells.
    """
    refuse_utf16(path)
    data = head_of(path, _LOOK)
    whole = len(data) < _LOOK
    if not whole and b"\n" not in data.strip(b"\r\n"):
        data = head_of(path, _HEAD)
        whole = len(data) < _HEAD
    if b"\n" not in data and b"\r" in data.rstrip(b"\r"):
        out = path.with_name(f"lines-{unpacked_name(path.name)}")
        raise DataError(
            f"the lines of {path} end in a carriage return alone", rewritten(path, r"tr '\r' '\n'", out)
        )
    if not whole:
        data = data[: data.rfind(b"\n") + 1]
    lines = data.removeprefix(MARK).decode(errors="replace").split("\n")
    text = [f"{line}\n" for line in lines if line.strip("\r")]
    if not text:
        raise DataError(
            f"{path} has no row" if whole else f"the first line of {path} is over {_HEAD >> 20} MiB",
            "name a file whose first line names its columns",
        )
    dialect = _sniffed(text, ends=whole, tabs=unpacked_name(path.name).lower().endswith(".tsv"))
    cells = next(iter(_rows(dialect, text)), [])
    if len(cells) > MAX_COLUMNS:
        raise DataError(
            f"the first line of {path} has {len(cells):,} cells, more than {MAX_COLUMNS:,}",
            "name a table with fewer columns",
        )
    return dialect, cells


def _sniffed(text: Sequence[str], *, ends: bool, tabs: bool) -> CsvDialect:
    """Return the dialect in which the most rows are as long as the first."""
    order = "\t,;|" if tabs else _DELIMITERS
    found = max((CsvDialect(sign) for sign in order), key=lambda one: _fit(one, text, ends=ends))
    joined = "".join(text)
    if found.delimiter == "\t" and '"' in joined:
        plain = CsvDialect("\t", quoted=False)
        better = _fit(plain, text, ends=ends)[1] - _fit(found, text, ends=ends)[1]
        if better > 0 or (better == 0 and not _quotes_cells(text)):
            return plain
    others = []
    if '\\"' in joined:
        others.append(CsvDialect(found.delimiter, escapechar="\\"))
    if "'" in joined:
        others.append(CsvDialect(found.delimiter, "'"))
    return max([found, *others], key=lambda one: _fit(one, text, ends=ends))  # the first of equal ones


def _fit(dialect: CsvDialect, text: Sequence[str], *, ends: bool) -> tuple[bool, float, int]:
    """Return whether rows have several cells, the share of them that are as long as the first, sound rows."""
    rows = _rows(dialect, text)
    if len(rows) > 2 and not ends:
        rows.pop()  # cut off, perhaps
    width = len(rows[0]) if rows else 0
    same = sum(len(row) == width for row in rows)
    share = same / len(rows) if rows else 0.0
    return width > 1 and share >= 0.5, share, len(_rows(dialect, text, strict=True))


def _rows(dialect: CsvDialect, text: Sequence[str], *, strict: bool = False) -> list[list[str]]:
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):  # what was read before counts
        found.extend(itertools.islice((row for row in dialect.rows(text, strict=strict) if row), _ROWS))
    return found


def _quotes_cells(text: Sequence[str]) -> bool:
    """Whether a cell between tabs stands in quotes; a text may begin with one, and GLUE's do."""
    cells = (cell for line in text for cell in line.rstrip("\r\n").split("\t"))
    return any(len(cell) > 1 and cell.startswith('"') and cell.endswith('"') for cell in cells)
