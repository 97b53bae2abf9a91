"""Columns of words under a head, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from prune.core.safe_text import printable

_WIDE = 40  # characters of a column; what is longer sticks out


def aligned(rows: Sequence[Sequence[str]], *, words: int | None = None) -> list[str]:
    """Return rows whose columns are as wide as their widest word.

    Parameters
    ----------
    words
        How many columns, from the left, are words; the others are numbers, and end in line. Default: all.
    """
    safe = [[printable(word) for word in row] for row in rows]
    wide = [min(_WIDE, max(map(len, column))) for column in zip(*safe, strict=True)]
    left = len(wide) if words is None else words
    return [
        "  ".join(
            word.ljust(width) if place < left else word.rjust(width)
            for place, (word, width) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in safe
    ]
