"""Rows of the original data, epoch by epoch: in an order, for one rank, from where it stopped."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch.utils.data import Sampler

from prune.core.arrays import Rows, Weights
from prune.core.errors import OptionError
from prune.loaders.option_checks import one_of, whole_number
from prune.loaders.ranks import Even, checked_ranks, shared_out


class WeightedRow(int):
    """A row with its weight: an index for every dataset, and `weighted` gives the weight with the sample.

    It travels with the index, so that workers that were started long ago see the weights of this epoch.
    """

    weight: float

    def __new__(cls, row: int, weight: float) -> WeightedRow:
        """Make one of a row and a weight."""
        made = super().__new__(cls, row)
        made.weight = float(weight)
        return made

    def __reduce__(self) -> tuple[type[WeightedRow], tuple[int, float]]:
        return WeightedRow, (int(self), self.weight)


def taking_part(rows: int | Rows) -> Rows:
    """Return the rows that take part, ascending and each once; of a number, all below it.

    Raises
    ------
    OptionError
        There are none, or it is a mask.
    """
    given = np.asarray(rows)
    if given.dtype == np.bool_:
        raise OptionError("rows= is a mask, and not the numbers of rows", "rows=numpy.flatnonzero(mask)")
    found = np.arange(int(given)) if given.ndim == 0 else np.unique(given.astype(np.int64))
    if not len(found):
        raise OptionError("there are no samples to choose from", "rows=len(dataset)")
    return found


def digest_of(rows: Rows) -> str:
    """Return what stands for these rows, in this order."""
    return hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()[:16]


class RowSampler(Sampler[int], ABC):
    """What all samplers have: epochs, an order for each, ranks, and a state to go on from.

    Parameters
    ----------
    shuffle
        Give the rows of an epoch in an order drawn from `seed` and the epoch; else as `rows_of` has them.
    seed
        Of all that is drawn.
    rank, world
        Which of how many processes this is: every rank gets its own part. Leave them where a library shards
        the loader itself, as Lightning and accelerate do.
    even
        Where ranks do not come out even: `no`, every row once, and ranks differ by one sample; `repeat`, the
        first few come again; `drop`, the last few wait for the next epoch.
    """

    def __init__(
        self, *, shuffle: bool = True, seed: int = 0, rank: int = 0, world: int = 1, even: Even = "no"
    ) -> None:
        self.rank, self.world = checked_ranks(rank, world)
        self.seed, self.even = whole_number("seed", seed), one_of("even", even, Even)
        self.shuffle = shuffle
        self.epoch = 0
        self._start = 0  # how many of the epoch, of all ranks, come before the iteration
        self._given = 0  # how many this rank has had of it since
        self._begun = self._over = False

    @abstractmethod
    def rows_of(self, epoch: int) -> tuple[Rows, Weights | None]:
        """Return the rows of an epoch, and their weights, None where all are 1."""

    @abstractmethod
    def count(self, epoch: int) -> int:
        """Return how many rows an epoch has."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What stands for the rows that this sampler gives: a state fits no other. Computed once."""

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, as PyTorch's own distributed sampler has it; Lightning and others do.

        Without it, every pass that was gone through to its end is followed by the next epoch.
        """
        epoch = whole_number("epoch", epoch)
        if epoch != self.epoch or self._begun:
            self._start = 0
        self.epoch, self._given = epoch, 0
        self._begun = self._over = False

    def __len__(self) -> int:
        """Samples of this rank in the whole epoch that `epoch` names.

        Also of one that goes on in its middle: trainers count what they have had themselves.
        """
        return len(range(self.rank, self._total(self.epoch), self.world))

    def __iter__(self) -> Iterator[int]:
        if self._over:
            self.set_epoch(self.epoch + 1)
        elif self._begun:
            self.set_epoch(self.epoch)
        self._begun = True
        rows, weights = self._order()
        mine = slice(self._start + self.rank, None, self.world)
        values = None if weights is None else weights[mine].tolist()
        for at, row in enumerate(rows[mine].tolist()):
            self._given = at + 1
            yield row if values is None else WeightedRow(row, values[at])
        self._over = True

    def state_dict(self, taken: int | None = None) -> dict[str, Any]:
        """Return where the training stands, for `load_state_dict` of a sampler that is made alike.

        It goes on after these very samples, also with another number of ranks; the state of one rank is
        that of all.

        Parameters
        ----------
        taken
            How many samples this rank has been trained on since the iteration began. A loader with workers
            is some batches ahead of the training: then say it (`batches * batch_size`). Default: all that
            the sampler has given out.
        """
        given = self._given if taken is None else whole_number("taken", taken)
        seen = self._start + given * self.world
        # A rank with one sample fewer than others is through before their count is.
        through = taken is None and self._over
        if through or seen >= self._total(self.epoch) > 0:
            return {"epoch": self.epoch + 1, "seen": 0, "of": self.identity}
        return {"epoch": self.epoch, "seen": seen, "of": self.identity}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken: `epoch` is then its epoch, and the next iteration the rest of it.

        Raises
        ------
        OptionError
            It is the state of another sampler.
        """
        if state.get("of") != self.identity:
            raise OptionError(
                f"the state is of another {type(self).__name__}: other rows, or another seed",
                "make the sampler as it was made then",
            )
        self.epoch, self._start, self._given = int(state["epoch"]), int(state["seen"]), 0
        self._begun = self._over = False

    def _total(self, epoch: int) -> int:
        """How many rows all ranks have together."""
        return shared_out(self.count(epoch), self.world, self.even)

    def _order(self) -> tuple[Rows, Weights | None]:
        """Return the rows of the epoch, of all ranks, in their order, and their weights."""
        rows, weights = self.rows_of(self.epoch)
        order = np.arange(len(rows))
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(rows))
        order = np.resize(order, self._total(self.epoch)) if len(order) else order
        return rows[order], None if weights is None else weights[order]
