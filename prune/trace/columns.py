"""One training's columns: a trace that grows by an epoch at a time, then features and probabilities.

The order of writes of an epoch makes any interruption harmless: after the last epoch the results; its
predictions, which the next epoch is compared with; the part of the trace; only then do older predictions go.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array, Probs
from prune.core.column_name import RESULTS, ColumnName
from prune.core.errors import StoreError
from prune.proxy.trace import FACTS
from prune.store import Dataset, Store, identity
from prune.store.layout import COLUMN, COLUMNS, RECIPE
from prune.system import files

VERSION = 1  # raised when the same training would give another trace
OWN = "own"  # `source` in the recipe of a trace of the user's own training
_BEFORE = "previous"  # attachments: log-probabilities after an epoch
_KEPT = 2  # of them: a training may go on from its checkpoint of one epoch before


class TraceColumns:
    """The columns of one attempt at a training; everything is called with the store held for writing.

    Parameters
    ----------
    run, attempt
        Which of several trainings that differ by their seed; how often it was begun.
    epochs
        How long the training is to be; it may stop before.
    """

    def __init__(self, store: Store, dataset: Dataset, run: int, attempt: int, epochs: int) -> None:
        self.store = store
        self.n = len(dataset)
        self.run = run
        self.recipe = _trace(dataset, run, attempt)
        self.trace = store.write_column(ColumnName.trace(run), self.recipe, rows=epochs, part_rows=1)

    @classmethod
    def begin(cls, store: Store, dataset: Dataset, run: int, epochs: int, *, resume: bool) -> TraceColumns:
        """Go on with the latest attempt, or begin another, which removes those that were not finished."""
        known = _attempts(store, dataset, run)
        if resume and known:
            return cls(store, dataset, run, max(known), epochs)
        done = [attempt for attempt, finished in known.items() if finished]
        new = max(done, default=0) + 1
        for attempt in {*known, new} - {*done}:  # the new one too: a removal may have been cut short
            if (
                store.path / COLUMNS / ColumnName.trace(run) / identity(_trace(dataset, run, attempt))
            ).exists():
                cls(store, dataset, run, attempt, epochs).remove()
        return cls(store, dataset, run, new, epochs)

    @property
    def finished(self) -> bool:
        """Whether no epoch can follow."""
        return self.trace.finished

    def exist(self) -> bool:
        """Whether they are still there: another training may have begun in their place."""
        return (self.trace.folder / RECIPE).exists()

    def done(self) -> int:
        """Return how many epochs are there, without a gap."""
        if self.finished:
            return len(self.store.open_column(self.trace.name, identity(self.recipe)))
        missing = next(self.trace.missing(), None)
        return self.trace.rows if missing is None else missing.number

    def bytes_left(self, classes: int) -> int:
        """Return what the epochs to come will write but for features: facts, predictions to compare with."""
        epochs = 0 if self.finished else self.trace.rows - self.done()
        return 2 * self.n * (epochs * len(FACTS) + (_KEPT + 2) * classes) if epochs else 0

    def previous(self, epoch: int) -> Probs:
        """Return the log-probabilities after an epoch, float16 (n, c).

        Raises
        ------
        StoreError
            They are not there.
        """
        data = self.trace.attachment(_BEFORE, epoch)
        if data is None:
            raise StoreError(
                f"{self.trace.name} cannot go on after epoch {epoch}: it keeps the predictions of the last "
                f"{_KEPT} epochs only, and has {self.done()}",
                "go on from a later checkpoint, or begin again: TraceWriter(…, resume=False)",
            )
        return np.load(io.BytesIO(data), allow_pickle=False)

    def put(self, epoch: int, values: Array, logs: Probs, rejects: Mapping[int, str]) -> None:
        """Keep an epoch: facts float16 (9, n), log-probabilities (n, c), and the rows it lacks."""
        self.forget(epoch)
        sink = io.BytesIO()
        np.save(sink, logs, allow_pickle=False)
        self.trace.attach(_BEFORE, epoch, sink.getvalue(), "npy")
        self.trace.put(self.trace.parts[epoch - 1], values[None], rejects)
        for old in self._attached(_BEFORE, 1):
            if old <= epoch - _KEPT:
                self.trace.detach(_BEFORE, old)

    def forget(self, epoch: int) -> None:
        """Remove an epoch and those after it: a training that went back does them again."""
        for kind, first in (("part", epoch - 1), ("rejects", epoch - 1), (_BEFORE, epoch)):
            for number in self._attached(kind, first):
                self.trace.detach(kind, number)

    def put_results(self, epoch: int, values: Mapping[str, Array | None], rejects: Mapping[int, str]) -> None:
        """Write features and probabilities after the last epoch, in place of any that are there."""
        for name, array in values.items():
            recipe = self._recipe(name, epoch)
            _remove(self._folder(name, recipe))
            if array is None:
                continue
            writer = self.store.write_column(name, recipe, rows=self.n)
            for part in writer.parts:
                here = {row: why for row, why in rejects.items() if part.start <= row < part.stop}
                writer.put(part, array[part.start : part.stop], here)
            writer.finish()

    def finish(self) -> dict[str, str]:
        """Complete the trace with the epochs that are there; return the columns to publish."""
        if not self.finished:
            epochs = self.done()
            self.forget(epochs + 1)
            self.trace.rows = epochs
            for old in self._attached(_BEFORE, 1):
                self.trace.detach(_BEFORE, old)
        column = self.trace.finish()
        made = {self.trace.name: identity(self.recipe)}
        for name in RESULTS:
            recipe = self._recipe(name, len(column))
            if self.run == 0 and (self._folder(name, recipe) / COLUMN).exists():
                made[name] = identity(recipe)
        return made

    def remove(self) -> None:
        """Remove all that was written; what names the attempt goes first: none goes on with a half."""
        files.remove(self.trace.folder / RECIPE)
        files.sync_folder(self.trace.folder)
        for name in RESULTS:
            for epoch in range(1, self.trace.rows + 1):
                _remove(self._folder(name, self._recipe(name, epoch)))
        _remove(self.trace.folder)

    def _attached(self, kind: str, first: int) -> list[int]:
        """Return the numbers, from `first` on, of the files of a kind."""
        names = [path.name.removeprefix(f"{kind}-") for path in self.trace.folder.glob(f"{kind}-*")]
        return sorted(number for name in names if (number := int(name[:5])) >= first)

    def _recipe(self, name: str, epoch: int) -> dict[str, Any]:
        return {"column": name, "version": VERSION, "trace": identity(self.recipe), "epoch": epoch}

    def _folder(self, name: str, recipe: Mapping[str, Any]) -> Path:
        return self.store.path / COLUMNS / name / identity(recipe)


def _trace(dataset: Dataset, run: int, attempt: int) -> dict[str, Any]:
    return {
        "column": "trace",
        "version": VERSION,
        "data": dataset.fingerprint,
        "source": OWN,
        "attempt": attempt,
        "run": run,
        "facts": list(FACTS),
        "taken": "after each epoch, by the user's own training",
    }


def _remove(folder: Path) -> None:
    if folder.exists():
        files.remove_tree(folder)


def _attempts(store: Store, dataset: Dataset, run: int) -> dict[int, bool]:
    """Return {attempt: whether it is finished} of a training on this dataset."""
    known: dict[int, bool] = {}
    for path in sorted((store.path / COLUMNS / ColumnName.trace(run)).glob(f"*/{RECIPE}")):
        try:
            recipe = files.read_record(path)
        except ValueError:
            continue
        if recipe.get("source") == OWN and recipe.get("data") == dataset.fingerprint:
            known[int(recipe["attempt"])] = (path.parent / COLUMN).exists()
    return known
