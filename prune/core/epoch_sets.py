"""A set of rows for each epoch: what a schedule is, however it was made."""

from __future__ import annotations

from typing import Protocol

from prune.core.arrays import Rows


class EpochSets(Protocol):
    """`epochs` sets of `k` rows each."""

    @property
    def epochs(self) -> int:
        """How many epochs there are."""

    @property
    def k(self) -> int:
        """How many rows each has."""

    def rows_of(self, epoch: int) -> Rows:
        """(k,) ascending, distinct rows of an epoch, from 0; the same whenever it is asked for."""
