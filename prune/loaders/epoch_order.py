"""The order of an epoch: the same for the same seed, in runs that lie together, dealt to ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Rows
from prune.loaders.option_checks import one_of, whole_number
from prune.loaders.ranks import Even, checked_ranks, shared_out

Codes = npt.NDArray[np.integer[Any]]  # (k,) equal where samples lie in the same file


@dataclass(frozen=True, kw_only=True)
class EpochOrder:
    """How the samples of an epoch are ordered, and which are those of this rank.

    Attributes
    ----------
    shuffle, seed
        Whether the order is drawn, from the seed and the epoch; else as the samples lie.
    run, mixed
        How many neighbours stay together when runs are put in order, and how many samples are mixed
        afterwards: of files that are read forward, small parts of all would cost as much as all. `mixed`
        None: all samples, whatever lies where. 0: none, runs are read as they lie.
    rank, world
        Which of how many processes this is: each has a stretch of the order.
    even
        Where ranks do not come out even: `no`, every sample once, and ranks differ by one; `repeat`, the
        first few come again; `drop`, the last few are left out.
    """

    shuffle: bool = False
    seed: int = 0
    run: int = 1
    mixed: int | None = None
    rank: int = 0
    world: int = 1
    even: Even = "no"

    def __post_init__(self) -> None:
        rank, world = checked_ranks(self.rank, self.world)
        numbers = {"rank": rank, "world": world, "seed": whole_number("seed", self.seed)}
        if self.mixed is not None:
            numbers["mixed"] = whole_number("buffer", self.mixed)
        for name, number in numbers.items():  # numpy's become Python's: a state says them in JSON
            object.__setattr__(self, name, number)
        one_of("even", self.even, Even)

    def count(self, n: int) -> int:
        """Return how many of n samples this rank has in an epoch."""
        start, stop = self._stretch(n)
        return stop - start

    def positions(self, files: Codes, epoch: int) -> Rows:
        """Return the positions of this rank in the order of an epoch.

        Parameters
        ----------
        files : (n,)
            Which file each sample lies in; samples of one file stand together.
        """
        n = len(files)
        order = self._drawn(files, epoch) if self.shuffle else np.arange(n)
        start, stop = self._stretch(n)
        return order[start:stop] if stop <= n else np.resize(order, stop)[start:]

    def _stretch(self, n: int) -> tuple[int, int]:
        if self.even == "no":
            return n * self.rank // self.world, n * (self.rank + 1) // self.world
        each = shared_out(n, self.world, self.even) // self.world
        return each * self.rank, each * (self.rank + 1)

    def _drawn(self, files: Codes, epoch: int) -> Rows:
        draw, n = np.random.default_rng([self.seed, epoch]), len(files)
        if self.mixed is None:
            return draw.permutation(n)
        runs = _runs(files, self.run)
        order = np.argsort(draw.permutation(runs[-1] + 1 if n else 0)[runs], kind="stable")
        if self.mixed == 0:
            return order
        within = np.lexsort((draw.random(n), np.arange(n) // self.mixed))
        return order[within]


def _runs(files: Codes, size: int) -> Rows:
    """Return the number of the run that each sample is in: at most `size` neighbours in one file."""
    at = np.arange(len(files))
    begins = np.concatenate([[True], files[1:] != files[:-1]]) if len(files) else np.zeros(0, bool)
    first = np.maximum.accumulate(np.where(begins, at, 0))
    return np.cumsum((at - first) % size == 0) - 1


def of_worker(positions: Rows, worker: int, workers: int, lot: int | None) -> Rows:
    """Return the positions of one of a rank's workers: lots are dealt in turn; None: one stretch each.

    A `DataLoader` takes batches of its workers in turn, too: with lots of a batch, the batches of an epoch
    are the same for any number of workers.
    """
    size = lot or max(1, -(-len(positions) // workers))
    return positions[np.arange(len(positions)) // size % workers == worker]
