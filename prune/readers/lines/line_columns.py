"""Lines of a file as rows of its sample table, many at once where all of them are plain."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from prune.core.content import content_digest
from prune.modalities.text.lines import Bytes, line_blocks
from prune.readers.lines.raw_columns import Found, Known, RawColumns

_LINES = 128  # that are looked at together: one that is not plain makes all of them slow


class _Placed(NamedTuple):
    """Lines with their numbers from 1, and where they lie."""

    lines: list[bytes]
    numbers: Sequence[int]
    starts: Sequence[int]
    sizes: Sequence[int]


def add_lines(
    columns: RawColumns,
    content: Bytes,
    known: Callable[[list[bytes]], Known | None],
    found: Callable[[bytes | None], Found],
) -> None:
    """Add a row for every line that is not empty.

    Parameters
    ----------
    known
        Says of lines what `found` does of each; None where one is no sample, or not plain.
    found
        What a line says, without its end; None stands for one over 64 MiB.
    """
    passed = 0
    for start, lines, too_long in line_blocks(content):
        if too_long:
            passed += 1
            columns.add(passed, start, too_long, found(None))
        if not b"".join(lines).strip():  # there may be millions of them in a small compressed file
            passed += len(lines)
            continue
        for at in range(0, len(lines), _LINES):
            some = lines[at : at + _LINES]
            placed, start = _placed(some, passed + 1, start)
            passed += len(some)
            if (plain := known(placed.lines)) is not None:
                columns.extend(placed.numbers, placed.starts, placed.sizes, plain)
                continue
            for line, number, begin, size in zip(*placed, strict=True):
                columns.add(number, begin, size, found(line.removesuffix(b"\r")))


def _placed(lines: list[bytes], number: int, start: int) -> tuple[_Placed, int]:
    """Return the lines that are not empty, and where the next line begins."""
    sizes = list(map(len, lines))
    *starts, end = itertools.accumulate([size + 1 for size in sizes], initial=start)
    numbers = range(number, number + len(lines))
    if all(map(bytes.strip, lines)):
        return _Placed(lines, numbers, starts, sizes), end
    kept = [bool(line.strip()) for line in lines]
    columns = (list(itertools.compress(column, kept)) for column in (numbers, starts, sizes))
    return _Placed(list(itertools.compress(lines, kept)), *columns), end


def of_texts(
    texts: Sequence[bytes],
    keys: Sequence[str | None],
    labels: Sequence[str | None],
    reasons: Sequence[str | None],
) -> Known:
    """Return what records with these texts say, in UTF-8."""
    return Known(keys, labels, list(map(len, texts)), list(map(content_digest, texts)), reasons)
