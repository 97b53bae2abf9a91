"""A choice in partitions: each keeps some of its samples, and the choice is made again among those.

Who is in which is drawn by the hash of seed and key, so that neither the order of the samples nor the number
of processes matters. Memory is that of one partition, and of what all of them keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.method_rows import Selector
from prune.index.resource_plan import Plan, Size
from prune.selectors import SELECTORS

SPARE = 3  # times k samples that all partitions keep together at least; with 2, many of them lose a tenth
ROUNDS = 12  # in which what is missed is looked for, at most
USUAL = 4  # of these
LEAST, SHARE = 16, 8  # a partition offers one in so many of k samples that are missed, and never fewer


@dataclass(frozen=True)
class Partition:
    """What is chosen in at once."""

    rows: Rows  # of the dataset: those that may be chosen, then those that are given
    free: int  # how many may be
    wanted: int


@dataclass(frozen=True)
class Partitions:
    """How a group of n samples is divided, of which k are to be chosen."""

    count: int
    n: int
    k: int

    @property
    def whole(self) -> bool:
        """Whether every partition keeps k samples, as what is proven of two rounds asks for."""
        return self.count * self.k <= max(self.n // 2, SPARE * self.k)

    def kept_of(self, size: int) -> int:
        """Return how many a partition of this size keeps."""
        share = self.k if self.whole else -(-SPARE * self.k * size // self.n)
        return min(share, self.k, size)

    def divided(self, keys: Sequence[str], seed: int) -> Iterator[Rows]:
        """Yield the positions of each partition that has any, ascending."""
        number = lots(keys, f"{seed} partitions") % np.uint64(self.count)
        for part in range(self.count):
            own = np.flatnonzero(number == part)
            if len(own):
                yield own

    def facts(self, method: Selector, candidates: int) -> dict[str, Any]:
        """Say what was done, and what is known of how good that is."""
        known = method.partitioned if self.whole else "none: the partitions keep fewer than k each"
        return {
            "partitions": self.count,
            "candidates": candidates,
            "guarantee": known,
            "nested": False,
        }


def offered_by(k: int) -> int:
    """Return how many samples that the k chosen miss a partition offers in a round."""
    return max(LEAST, k // SHARE)


def plan_in_partitions(method: Selector, size: Size, k: int, options: Any, count: int) -> Plan:
    """Return what the method needs for a partition, and for all samples that they keep."""
    parts = Partitions(count, size.n, k)
    part = -(-size.n // count)
    assert method.plan is not None, "what goes in partitions says what it needs"
    one: Plan = method.plan(replace(size, n=part + size.given), parts.kept_of(part), options)
    left = min(size.n, count * parts.kept_of(part))
    last: Plan = method.plan(replace(size, n=left + size.given), k, options)
    rounds = 1 + USUAL * method.corrected  # in each of which the centres meet all samples
    held, work = max(one.bytes, last.bytes) + 64 * size.n, rounds * (count * one.work + last.work)
    return Plan("partitioned", f"{count} partitions of about {part:,} samples keep {left:,}", held, work)


def require_partitions(method: Selector, count: int | None) -> None:
    """Raise `OptionError` where the method cannot go in so many partitions."""
    if count is None:
        return
    if not method.takes("among"):
        first, *others = (name for name, other in SELECTORS.items() if other.takes("among"))
        hint = f"--method {first}   # or {', '.join(others)}"
        raise OptionError(f"{method.name} does not go in partitions", hint)
    if count < 2:
        raise OptionError(f"--partitions {count} divides nothing", "--partitions 2, or more")
