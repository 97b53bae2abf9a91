"""Texts that a method looks at: read block by block as often as it goes through them, never held at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from prune.core.arrays import Rows
from prune.core.progress import SILENT, Reporter

_BLOCK = 256  # texts held at once


@dataclass(frozen=True)
class Texts:
    """n texts of a source, in any order."""

    rows: Rows  # of the source, one a text
    read: Callable[[Rows], Iterator[str]] = field(repr=False)  # the texts of rising rows, front to back
    memory: int = 2**30  # bytes that a method may use beyond a block
    reporter: Reporter = field(default=SILENT, repr=False)

    @classmethod
    def of(cls, texts: Sequence[str], *, memory: int = 2**30) -> Texts:
        """Return texts that are in memory already."""
        return cls(np.arange(len(texts)), lambda rows: (texts[row] for row in rows.tolist()), memory)

    @property
    def n(self) -> int:
        """Number of texts."""
        return len(self.rows)

    def subset(self, at: Rows) -> Texts:
        """Return the texts at these positions, in this order."""
        return replace(self, rows=self.rows[at])

    def blocks(self, what: str = "read texts") -> Iterator[tuple[Rows, list[str]]]:
        """Yield positions and their texts, in the order of the source: files are read once, front to back.

        Parameters
        ----------
        what
            The stage that the reporter hears of.
        """
        order = np.argsort(self.rows, kind="stable")
        stream = iter(self.read(self.rows[order]))
        with self.reporter.stage(what, self.n) as advance:
            for start in range(0, self.n, _BLOCK):
                places = order[start : start + _BLOCK]
                yield places, list(itertools.islice(stream, len(places)))
                advance(len(places))
