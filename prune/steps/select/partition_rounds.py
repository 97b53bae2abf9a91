"""A choice in partitions, carried out: they keep some, it is made among these, and they say what it misses.

Centres that are chosen among a part of the samples leave some of the others far off. So every partition is
asked for its samples that are farther from the centres than the last of these was when it was taken; the
choice is made again among them too, until there are none. The radius is then at most twice the best, as that
of the choice at once, and for the same reason: k centres and the sample farthest from them lie farther from
one another than the radius, and of any k centres two of these share one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from prune.core.arrays import Rows
from prune.core.method_rows import Selector
from prune.core.selection import Selection
from prune.steps.select.partitions import ROUNDS, Partition, Partitions, offered_by

_TINY = 1e-300


class Chooser(Protocol):
    """Runs the method."""

    def __call__(self, free: Rows, every: Rows, k: int, among: Rows | None = None) -> Selection:
        """Choose k of the first rows of `every`, which are `free`; the others are given."""


@dataclass(frozen=True)
class PartitionRounds:
    """A choice of some rows of a dataset, in partitions."""

    method: Selector
    rows: Rows  # that may be chosen
    given: Rows
    divided: Sequence[Rows]  # positions in `rows` of each partition
    keep: Callable[[Sequence[Partition]], list[Rows]]  # positions that partitions keep
    run: Chooser

    def chosen(self, parts: Partitions) -> Selection:
        """Choose; rows are positions."""
        each = [Partition(self._with(own), len(own), parts.kept_of(len(own))) for own in self.divided]
        among = self._kept(self.divided, each)
        if self.method.corrected:
            return self._corrected(parts, among)
        chosen = self._among(parts.k, among)
        return replace(chosen, facts={**chosen.facts, **parts.facts(self.method, len(among))})

    def _corrected(self, parts: Partitions, among: Rows) -> Selection:
        best, facts = None, dict[str, Any]()
        for rounds in range(1, ROUNDS + 1):
            chosen = self._among(parts.k, among)
            missed, radius = self._missed(chosen)
            if best is None or radius < facts["radius"]:
                last = float(chosen.gains[-1])  # half of which no radius is below, unless it is half of ours
                times = 2.0 if radius <= last else 2 * radius / max(last, _TINY)
                known = self.method.partitioned.format(times=f"{times:.3g}")
                best, facts = chosen, {"radius": radius, "guarantee": known}
            facts["rounds"] = rounds
            new = np.setdiff1d(missed, among)
            if not len(new):
                break
            among = np.union1d(among, new)
        assert best is not None, "there is a round"
        told = {**parts.facts(self.method, len(among)), **facts}
        return replace(best, facts={**best.facts, **told})

    def _missed(self, chosen: Selection) -> tuple[Rows, float]:
        """Return the samples that lie farther off than the last taken did, and how far the farthest lies."""
        left = [np.setdiff1d(own, chosen.rows, assume_unique=True) for own in self.divided]
        left = [own for own in left if len(own)]
        if not left:
            return chosen.rows[:0], 0.0
        wanted = offered_by(len(chosen))
        each = [Partition(self._with(own, chosen.rows), len(own), min(wanted, len(own))) for own in left]
        offered = self._kept(left, each)
        far = self.run(self.rows[offered], self._with(offered, chosen.rows), len(offered))
        return offered[far.rows[far.gains > chosen.gains[-1]]], float(far.gains[0])

    def _kept(self, divided: Sequence[Rows], each: Sequence[Partition]) -> Rows:
        kept = self.keep(each)
        return np.sort(np.concatenate([own[at] for own, at in zip(divided, kept, strict=True)]))

    def _among(self, k: int, among: Rows) -> Selection:
        return self.run(self.rows, np.concatenate([self.rows, self.given]), k, among)

    def _with(self, own: Rows, *centres: Rows) -> Rows:
        """Return rows of the dataset: those at some positions, those given, and those of centres."""
        return np.concatenate([self.rows[own], self.given, *(self.rows[some] for some in centres)])
