"""When to stop: rules that read the curve of a divergence over the number of samples taken."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from prune.core.errors import OptionError
from prune.index.space import Sums

Rule: TypeAlias = Literal[
    "none",
    "increase",
    "min_difference",
    "min_kl",
    "sequential_increase_tolerance",
    "data_size",
    "max_resets",
]


@dataclass(frozen=True)
class Stop:
    """A rule and its thresholds.

    Raises
    ------
    OptionError
        A threshold is out of range.
    """

    rule: Rule
    min_kl: float = 0.0
    min_difference: float = 0.0
    tolerance: int = 3  # rises in a row
    resets: int = 2  # rises in all that are forgiven
    data_size: float = 0.25  # fraction of the pool

    def __post_init__(self) -> None:
        if self.tolerance < 1:
            raise OptionError(f"tolerance={self.tolerance} is not at least 1")
        if self.resets < 0:
            raise OptionError(f"resets={self.resets} is negative")
        if not 0 < self.data_size <= 1:
            raise OptionError(f"data_size={self.data_size} is not in (0, 1]")
        if not np.isfinite([self.min_kl, self.min_difference]).all():
            raise OptionError(f"min_kl={self.min_kl}, min_difference={self.min_difference} are not finite")

    @property
    def goes_back(self) -> bool:
        """Whether samples are given up again, so that with fewer to look at others would be the last."""
        return self.rule in ("min_kl", "sequential_increase_tolerance", "max_resets")

    def size(self, curve: Sums, before: float, pool: int) -> tuple[int, str]:
        """How many samples to take, 0 to ``len(curve)``, and why.

        Parameters
        ----------
        curve : (m,)
            The divergence after 1, 2, … m samples.
        before
            The divergence before the first; infinite if it is of nothing.
        pool
            What `data_size` is a fraction of.
        """
        falls = -np.diff(curve, prepend=before)
        rises = falls < 0
        if self.rule == "data_size":
            return min(self.fraction_of(pool), len(curve)), "data_size"
        if self.rule == "min_kl":
            return self._reached(curve)
        if self.rule == "min_difference":
            return _before(falls < self.min_difference, self.rule)
        if self.rule == "increase":
            return _before(rises, self.rule)
        if self.rule == "none":
            return len(curve), "none"
        fired = self._fired(rises)
        if fired is None:
            return len(curve), "exhausted"
        upto = np.concatenate([[before], curve[: fired + 1]])
        return int(np.argmin(upto)), self.rule

    def fraction_of(self, pool: int) -> int:
        """Return the number of samples that `data_size` asks for."""
        return max(int(Fraction(str(self.data_size)) * pool + Fraction(1, 2)), 1)  # half up, exactly

    def _reached(self, curve: Sums) -> tuple[int, str]:
        low = np.flatnonzero(curve <= self.min_kl)
        if len(low):
            return int(low[0]) + 1, "min_kl"
        return int(np.argmin(curve)) + 1, "min_kl not reached"

    def _fired(self, rises: npt.NDArray[np.bool_]) -> int | None:
        if self.rule == "max_resets":
            at = np.flatnonzero(rises)[self.resets :]
        else:
            falls_at = np.where(~rises, np.arange(len(rises)), -1)
            in_a_row = np.arange(len(rises)) - np.maximum.accumulate(falls_at) if len(rises) else falls_at
            at = np.flatnonzero(in_a_row >= self.tolerance)
        return int(at[0]) if len(at) else None


def _before(hits: npt.NDArray[np.bool_], rule: str) -> tuple[int, str]:
    at = np.flatnonzero(hits)
    return (int(at[0]), rule) if len(at) else (len(hits), "exhausted")
