"""The plan of an evaluation: which sets are trained with which seeds, which of them are, and what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.quota import keep_count
from prune.core.safe_text import counted
from prune.steps.evaluate.asked_sets import AskedSet
from prune.steps.evaluate.cells import Cell
from prune.steps.evaluate.protocol import Protocol
from prune.steps.evaluate.spec_choice import chosen_set, is_chosen
from prune.steps.evaluate.training_sets import (
    TrainingSet,
    everything,
    random_set,
    stored_set,
    trainable_part,
)
from prune.steps.evaluate.wrong_labels import require_blind
from prune.steps.settings import Settings
from prune.store import Dataset, Store

_TESTED = 1 / 3  # of the time of a step that as many samples take which are only looked at


@dataclass(frozen=True)
class EvaluationPlan:
    """Everything that an evaluation compares."""

    store: Store
    dataset: Dataset
    trainable: Rows  # rows that have a label and can be read
    usable: int  # samples that a fraction is a fraction of
    settings: Settings
    ground: Mapping[str, Any]
    protocol: Protocol
    asked: Sequence[AskedSet]
    seeds: int

    def chosen(self) -> list[TrainingSet]:
        """Return every selection, chosen now where it was not before; only samples that can be trained on.

        Raises
        ------
        OptionError
            Nothing that can be trained on is left of one.
        """
        return [self._chosen(asked) for asked in self.asked if not asked.is_random]

    def cells(self, selections: Sequence[TrainingSet]) -> list[Cell]:
        """Return all cells, seed by seed: of each first random, then selections, then everything."""
        sizes = {len(chosen.rows) for chosen in selections} | self._random_sizes
        return [cell for run in range(self.seeds) for cell in self._of_run(run, sorted(sizes), selections)]

    def foreseen(self) -> tuple[int, int, int]:
        """Return how many cells are to be trained, their steps, and all cells; nothing is chosen for it."""
        unknown = [a for a in self.asked if not a.is_random and not self._is_chosen(a)]
        known = [a for a in self.asked if not a.is_random and a not in unknown]
        sets = [self._chosen(asked) for asked in known]
        cells = self.cells(sets)
        left = [cell for cell in cells if not cell.is_there(self.store)]
        in_all = len(cells)
        steps = [cell.steps for cell in left]
        sizes = {len(chosen.rows) for chosen in sets} | self._random_sizes
        for asked in unknown:
            k = self._size(asked) or len(self.trainable)
            in_all += self.seeds * (1 if k in sizes else 2)
            twin = 0 if k in sizes else self._missing_twins(k)
            sizes.add(k)
            steps += [self.protocol.steps(k)] * (self.seeds + twin)
        return len(steps), sum(steps), in_all

    @property
    def _random_sizes(self) -> set[int]:
        """Sizes of random sets that nothing else has to have."""
        return {k for asked in self.asked if asked.is_random and (k := self._size(asked)) is not None}

    def _size(self, asked: AskedSet) -> int | None:
        """Return how many samples a set will have, of those that can be trained on; None: choosing tells."""
        if asked.fraction is None:
            return len(stored_set(self.store, asked.spec.text).rows) if asked.spec.is_stored else None
        return min(keep_count(asked.fraction, self.usable), len(self.trainable))

    def _is_chosen(self, asked: AskedSet) -> bool:
        return asked.spec.is_stored or is_chosen(self.store, asked.spec, asked.fraction, self.settings)

    def _missing_twins(self, k: int) -> int:
        return sum(not self._random(k, run).is_there(self.store) for run in range(self.seeds))

    def _chosen(self, asked: AskedSet) -> TrainingSet:
        spec, store = asked.spec, self.store
        made = (
            stored_set(store, spec.text)
            if spec.is_stored
            else chosen_set(store, spec, asked.fraction, self.settings)
        )
        if self.ground["noise"] is not None:
            require_blind(store, made, self.ground["noise"]["rate"])
        part = trainable_part(made, self.trainable)
        if not len(part.rows):
            raise OptionError(f"no sample of {spec.text} has a label to train on", "prune status")
        if len(part.rows) < len(made.rows):
            lost = len(made.rows) - len(part.rows)
            self.settings.reporter.say(
                f"{counted(lost, 'sample')} of {spec.text} have no label and are left out"
            )
        return part

    def _of_run(self, run: int, sizes: Sequence[int], selections: Sequence[TrainingSet]) -> Iterator[Cell]:
        for k in sizes:
            yield self._random(k, run)
        for chosen in [*selections, everything(self.trainable)]:
            yield self._cell(chosen, run)

    def _random(self, k: int, run: int) -> Cell:
        return self._cell(random_set(self.dataset, self.trainable, k, self.settings.seed, run), run)

    def _cell(self, chosen: TrainingSet, run: int) -> Cell:
        return Cell(self.ground, chosen, run, self.protocol.steps(len(chosen.rows)))


def forecast(cells: int, steps: int, rate: float, tested: int, batch: int) -> dict[str, Any]:
    """Return what is left to train, and how long that takes at so many seconds a step."""
    seconds = steps * rate + cells * tested / batch * rate * _TESTED
    return {"cells": cells, "steps": steps, "seconds_a_step": rate, "seconds": seconds}


def in_words(expected: Mapping[str, Any], everywhere: int, protocol: Protocol) -> str:
    """Say what is left to train."""
    cells = expected["cells"]
    if not cells:
        return f"all {counted(everywhere, 'cell')} are there: nothing is trained"
    more = everywhere - cells
    there = f", {more} more {'is' if more == 1 else 'are'} there" if more else ""
    return f"{protocol.foretold(expected)}{there}"
