"""The sampler of a schedule: another set of rows each epoch, from a file or from a rule."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from prune.core.arrays import Array, Rows, Weights
from prune.core.epoch_sets import EpochSets
from prune.core.errors import DataError
from prune.exporters.schedule import FILE
from prune.loaders.ranks import Even
from prune.loaders.row_sampler import RowSampler
from prune.steps.schedules.rules import require_epoch
from prune.system.npy import open_npy

_WEIGHTS = "weights.npy"


class ScheduleSampler(RowSampler):
    """A sampler that has the rows of the epoch, as a schedule says.

        sampler = ScheduleSampler("pruned-schedule")     # prune export --format schedule …
        loader = DataLoader(dataset, batch_size=128, sampler=sampler)
        for epoch in range(200):
            sampler.set_epoch(epoch)

    Parameters
    ----------
    schedule
        A folder that `prune export --format schedule` wrote; a .npy file of your own, (epochs, k) whole
        numbers; or a rule: `RandomSubsets(50_000, k=5_000, epochs=200)`, or another `EpochSets`. A file of
        float32 of the same shape, `weights.npy`, may lie beside; then each row carries its weight, and
        `weighted(dataset)` gives it with the sample. The file is mapped, not loaded.
    shuffle, seed, rank, world, even
        As for `RowSampler`.

    Raises
    ------
    DataError
        The file is missing or damaged, or holds no rows.
    """

    def __init__(
        self,
        schedule: str | Path | EpochSets,
        *,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        even: Even = "no",
    ) -> None:
        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world=world, even=even)
        self.sets = _FileSets(Path(schedule)) if isinstance(schedule, str | Path) else schedule
        self._weights = self.sets.weights if isinstance(self.sets, _FileSets) else None

    @property
    def epochs(self) -> int:
        """How many epochs the schedule has."""
        return self.sets.epochs

    @cached_property
    def identity(self) -> str:
        """Stands for all sets, their weights, and the seed; the first state goes through them once."""
        digest = hashlib.sha256()
        for epoch in range(self.epochs):
            rows, weights = self.rows_of(epoch)
            digest.update(rows.astype("<i8").tobytes())
            if weights is not None:
                digest.update(weights.astype("<f4").tobytes())
        return f"{digest.hexdigest()[:16]}-{self.epochs}-{self.sets.k}-{self.seed}-{self.shuffle}"

    def count(self, epoch: int) -> int:
        """Return k: every epoch has as many."""
        del epoch
        return self.sets.k

    def rows_of(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Return the set of an epoch, and its weights, if the schedule has some."""
        rows = self.sets.rows_of(epoch)
        return rows, None if self._weights is None else np.asarray(self._weights[epoch], np.float32)


class _FileSets:
    """A schedule in a file."""

    def __init__(self, path: Path) -> None:
        file = path / FILE if path.is_dir() else path
        self._rows: Array = open_npy(file)
        if self._rows.ndim != 2 or 0 in self._rows.shape or self._rows.dtype.kind not in "iu":
            found = f"{self._rows.dtype} {self._rows.shape}"
            raise DataError(f"{file} holds {found}, not rows (epochs, k)", "prune export --format schedule")
        beside = file.with_name(_WEIGHTS)
        self.weights: Array | None = open_npy(beside) if beside.exists() else None
        if self.weights is not None and self.weights.shape != self._rows.shape:
            shapes = f"{self.weights.shape}, and the rows are {self._rows.shape}"
            raise DataError(f"{beside} has shape {shapes}", "give one weight for each row")
        self.epochs, self.k = self._rows.shape

    def rows_of(self, epoch: int) -> Rows:
        """(k,) rows of an epoch, as they stand there."""
        require_epoch(epoch, self.epochs)
        return np.asarray(self._rows[epoch], np.int64)
