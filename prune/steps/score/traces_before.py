"""The traces of a dataset before it changed: what their networks learnt from, and what is new to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import FIRST_RUN, RESULTS, ColumnName
from prune.core.lots import lots
from prune.proxy import (
    CONTROL,
    Share,
    TraceBefore,
    control_of,
    digests_of,
    folds_of,
    grown_rows,
    part_of,
)
from prune.steps.dataset_session import Opened
from prune.store import Column, Dataset, identity


@dataclass(frozen=True)
class TracesBefore:
    """Where traces before the change are looked for, and what they are to say something of now."""

    opened: Opened
    usable: Rows  # samples of the dataset now that a proxy can look at
    first: ColumnName  # the trace of the first training: those that lie beside it are of the same
    seed: int  # of the training

    def before(self, name: ColumnName, run: int, *, looks: bool) -> TraceBefore | str:
        """Return a trace before the dataset changed; or why it does not serve.

        `looks`: its network is to look at the samples that are new.
        """
        growth = self.opened.growth
        state, trace = growth.earlier_of(name), growth.whole(name)
        if state is None or trace is None or not growth.beside(name, self.first):
            return f"{name} of the dataset before is missing or damaged"
        matches, seen = growth.matches(state[0]), trace.recipe["inputs"]
        inputs = self.opened.store.whole_column(seen["name"], identity(seen["recipe"]))
        if matches is None or inputs is None:
            return f"what {name} was made of is no longer there"
        drawn = self._drawn(matches.old, inputs, trace, run)
        if drawn is None:
            return f"what {name} learnt from is no longer known"
        rows = np.where(np.isin(np.arange(len(matches.new)), self.usable), matches.labelled_alike, -1)
        rows[~np.isin(rows, np.setdiff1d(matches.old.usable, list(inputs.rejects)))] = -1
        new = self.usable[rows[self.usable] < 0]
        return TraceBefore(
            dataset=matches.old,
            inputs=inputs,
            trace=trace,
            learnt=drawn[0],
            watched=drawn[1],
            rows=rows,
            later=new if looks else new[:0],
            results=self._results(trace),
        )

    def dealt(self, run: int, group: list[TraceBefore]) -> list[TraceBefore]:
        """Deal new samples to the folds of a run by lot: each to one that never learnt from its bytes."""
        folds, dataset, new = len(group), self.opened.dataset, group[0].later
        if folds == 1:
            return group
        keys = dataset.samples["key"].take(new).to_pylist()
        lot = (lots(keys, f"later\0{self.seed}\0{run}") % np.uint64(folds)).astype(np.int64)
        seen = np.stack([np.isin(digests_of(dataset, new), one.seen) for one in group])
        turns = (lot + np.arange(folds)[:, None]) % folds
        owner = turns[np.take_along_axis(seen, turns, 0).argmin(axis=0), np.arange(len(new))]
        return [replace(one, later=new[owner == fold]) for fold, one in enumerate(group)]

    def _results(self, trace: Column) -> dict[str, Column]:
        """Return features and predictions of the network of a trace."""
        found = {kind: self.opened.growth.whole(kind) for kind in RESULTS}
        of = identity(trace.recipe)
        return {kind: one for kind, one in found.items() if one is not None and one.recipe.get("trace") == of}

    def _drawn(self, old: Dataset, inputs: Column, trace: Column, run: int) -> tuple[Rows, Rows] | None:
        """Return what a proxy learnt from and what its trace is about, drawn once more where it was drawn."""
        known, share = grown_rows(trace), trace.recipe.get("share")
        if known is not None:
            return known
        usable = np.setdiff1d(old.usable, np.array(list(inputs.rejects), np.int64))
        if share is None:
            return usable[old.labels[usable] >= 0], usable
        if share["kind"] == CONTROL:
            return self._asked(old, share)
        again: Share = (
            folds_of(old, usable, share["folds"], share["seed"], run)[share["fold"]]
            if share["kind"] == "fold"
            else part_of(old, usable, share["fraction"], share["seed"])
        )
        return (again.learnt, again.watched) if again.recipe == share else None

    def _asked(self, old: Dataset, share: Mapping[str, Any]) -> tuple[Rows, Rows] | None:
        """Return what a control learnt from, of what its proxy did, and what it was asked about."""
        trained = self.opened.growth.whole(FIRST_RUN)
        known = None if trained is None else grown_rows(trained)
        again = None if known is None else control_of(old, known[0], share["seed"])
        return None if again is None or again.recipe != share else (again.learnt, again.watched)
