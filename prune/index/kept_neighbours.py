"""What a search for neighbours is and finds, and who may keep what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows


@dataclass(frozen=True)
class Neighbours:
    """The nearest samples of each, nearest first, ties by lower row."""

    rows: Rows  # (n, count)
    squares: npt.NDArray[np.float32]  # (n, count), squared distances
    kind: str  # how they were found: exact or ivf
    recall: float  # share of the true nearest that were found; of a sample of rows, unless exact


@dataclass(frozen=True)
class Nearest:
    """Of every sample, the nearest of the kept samples of its group that rank before it; ties to low rows."""

    squares: npt.NDArray[np.float64]  # (n,) squared distance; infinite where there is none
    who: Rows  # (n,) its row; -1 where there is none
    kept: npt.NDArray[np.bool_]  # (n,)


class NeighbourSearch(Protocol):
    """A search among all samples of a space, settled and not done yet."""

    @property
    def count(self) -> int:
        """How many neighbours of each."""

    @property
    def kind(self) -> Literal["exact", "ivf"]:
        """How; of an exact search, the nearest few are the first of the nearest many."""

    @property
    def seed(self) -> int:
        """What decides of a search that is not exact."""

    @property
    def size(self) -> tuple[int, int]:
        """Samples, and numbers of each."""

    @property
    def place(self) -> tuple[str, str]:
        """The metric, and the device."""

    def whole(self) -> Neighbours:
        """Find the neighbours of all samples."""

    def parts(self, rows: int) -> Iterator[Neighbours]:
        """Find them exactly, so many rows after so many: the whole in the time of `whole`."""

    def part(self, start: int, stop: int) -> Neighbours:
        """Find those of the rows ``start ≤ row < stop`` exactly, whatever became of the others."""


class NeighbourKeeper(Protocol):
    """Where the neighbours of all samples of a space are kept, or found by others."""

    def neighbours(self, search: NeighbourSearch) -> Neighbours:
        """Return what the search finds, from what is kept where it is."""

    def nearest_kept(self, groups: Sequence[Rows], fixed: Sequence[int], reach: float) -> Nearest | None:
        """Return what `duplicates.nearest_kept` finds under the cosine; None where nobody else does."""
