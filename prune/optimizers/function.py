"""A set function, as an engine sees it: what would each sample add to those chosen so far?"""

from __future__ import annotations

from typing import Protocol

from prune.core.arrays import Rows
from prune.index.space import Sums

QUEUE = 48  # bytes a sample, at most, that an engine holds


class SetFunction(Protocol):
    """f(S) of a growing set S of samples 0 … n − 1."""

    n: int

    def gains(self, rows: Rows) -> Sums:
        """(len(rows),) float64 f(S ∪ {j}) − f(S); rows that are in S already may have any finite value."""

    def add(self, row: int) -> None:
        """Let S grow by one sample."""
