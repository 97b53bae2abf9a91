"""Schedules by lot: fresh random sets each epoch, and sets that open up from easy to hard."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.methods import whole


class RandomSubsets:
    """A fresh random set each epoch (RS2); no sample comes again before all others have come.

    Okanovic, Waleffe, Mageirakos, Nikolakakis, Karbasi, Kalogerias, Gürel & Rekatsinas, "Repeated Random
    Sampling for Minimizing the Time-to-Accuracy of Learning", ICLR 2024, arXiv:2305.18424.

    Parameters
    ----------
    rows : (m,)
        What is drawn from, or how many rows there are. The draw depends on their order.
    k, epochs, seed
        Rows an epoch, epochs, and the seed of the draw.
    independent
        Draw each epoch by itself: samples may then come twice before others come once.
    """

    def __init__(
        self, rows: Rows | int, k: int, epochs: int, *, seed: int = 0, independent: bool = False
    ) -> None:
        self.rows = np.arange(int(rows)) if isinstance(rows, int | np.integer) else np.asarray(rows, np.int64)
        require_sizes(len(self.rows), k, epochs)
        self.k, self.epochs, self.seed, self.independent = k, epochs, seed, independent
        self._pass = -1
        self._order = self.rows[:0]

    def rows_of(self, epoch: int) -> Rows:
        """(k,) ascending rows of an epoch, from 0."""
        require_epoch(epoch, self.epochs)
        m = len(self.rows)
        if self.independent:
            drawn = np.random.default_rng([self.seed, epoch]).permutation(m)[: self.k]
            return np.sort(self.rows[drawn])
        first, at = divmod(epoch * self.k, m)
        found = self._order_of(first)[at : at + self.k]
        if len(found) < self.k:  # the rest of one pass over all, and the beginning of the next
            found = np.concatenate([found, self._order_of(first + 1)[: self.k - len(found)]])
        return np.sort(self.rows[found])

    def _order_of(self, number: int) -> Rows:
        """Return the order of a pass over all rows; each begins with none that the last epoch had already."""
        if number < self._pass:
            self._pass, self._order = -1, self._order[:0]
        while self._pass < number:
            self._pass += 1
            new = np.random.default_rng([self.seed, self._pass]).permutation(len(self.rows))
            left = -(self._pass * len(self.rows)) % self.k  # places of the epoch that are still free
            had = self._order[len(self._order) - (self.k - left) :] if left else self._order[:0]
            head = new[~np.isin(new, had)][:left]
            self._order = np.concatenate([head, new[~np.isin(new, head)]])
        return self._order


class EasyToHard:
    """A curriculum: an epoch is drawn from the easiest rows, of which there are more each epoch.

    The first epoch has the k easiest; the pool grows by equally many rows an epoch, to all of them after
    `phase` of the epochs. Bengio, Louradour, Collobert & Weston, "Curriculum Learning", ICML 2009; the pace
    is the linear one of Hacohen & Weinshall, "On The Power of Curriculum Learning in Training Deep
    Networks", ICML 2019, arXiv:1904.03626.

    Parameters
    ----------
    rows : (m,)
        Rows, the easiest first.
    k, epochs, seed
        As for `RandomSubsets`.
    phase
        Part of the epochs after which all rows are in the pool, in ``[0, 1]``.
    """

    def __init__(self, rows: Rows, k: int, epochs: int, *, seed: int = 0, phase: float = 0.5) -> None:
        self.rows = np.asarray(rows, np.int64)
        require_sizes(len(self.rows), k, epochs)
        self.k, self.epochs, self.seed = k, epochs, seed
        self.phase = require_phase(phase)

    def pool(self, epoch: int) -> int:
        """How many of the easiest rows an epoch is drawn from."""
        m, steps = len(self.rows), part_of(self.phase, self.epochs)
        return m if epoch >= steps else self.k + math.floor((m - self.k) * epoch / steps)

    def rows_of(self, epoch: int) -> Rows:
        """(k,) ascending rows of an epoch, from 0."""
        require_epoch(epoch, self.epochs)
        drawn = np.random.default_rng([self.seed, epoch]).permutation(self.pool(epoch))[: self.k]
        return np.sort(self.rows[drawn])


def require_sizes(m: int, k: int, epochs: int) -> None:
    """Raise `OptionError` unless there are k of m rows and at least one epoch."""
    if not 1 <= whole(k, "k") <= m:
        raise OptionError(f"an epoch cannot have {k} of {m} samples", "a smaller --fraction")
    if whole(epochs, "epochs") < 1:
        raise OptionError(f"{epochs} is no number of epochs", "--epochs 200")


def require_epoch(epoch: int, epochs: int) -> None:
    """Raise `OptionError` unless there is such an epoch."""
    if not 0 <= epoch < epochs:
        raise OptionError(
            f"the schedule has {epochs} epochs, and number {epoch + 1} was asked for",
            f"prune export --format schedule --epochs {max(epoch + 1, 1)} --fraction 0.3 --overwrite",
        )


def first_epochs(part: float, epochs: int) -> int:
    """Return how many epochs a part of all is, rounded up."""
    return math.ceil(part_of(part, epochs))


def part_of(part: float, epochs: int) -> Fraction:
    """Return a part of the epochs as it was typed: 0.07 of 100 is 7, which 0.07 * 100 is above."""
    return Fraction(str(part)) * epochs


def require_phase(phase: float) -> float:
    """Return a part of the epochs, or raise `OptionError`."""
    if not 0 <= phase <= 1:
        raise OptionError(f"phase={phase} is no part of the epochs", "--phase 0.5")
    return phase
