"""A cell: one training of one set with one seed, and what the target then says of the test samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Labels, Rows
from prune.core.column_name import EVALUATION, ColumnName, of_kinds
from prune.steps.evaluate.training_sets import TrainingSet
from prune.store import Store, identity
from prune.store.layout import COLUMN, COLUMNS

VERSION = 1  # raised when the same training would give other predictions


@dataclass(frozen=True, eq=False)
class Cell:
    """One training, before or after it."""

    ground: Mapping[str, Any]  # what all cells of an evaluation share
    set: TrainingSet
    run: int  # of the seeds: weights, order and augmentation
    steps: int

    @property
    def name(self) -> ColumnName:
        """Its column: the same for a selection that changed, which then takes the place of the one before."""
        asked = {k: v for k, v in self.set.recipe.items() if k not in {"rows", "weights"}}
        if self.set.asked is not None or self.set.about:
            asked.pop("k")  # of a selection that is chosen anew it may change
        shared = {k: self.ground[k] for k in ("training", "protocol", "test", "noise")}
        return ColumnName(f"{EVALUATION}.{identity({**shared, 'set': asked, 'run': self.run})}")

    @property
    def recipe(self) -> dict[str, Any]:
        """All that the predictions depend on."""
        return {
            "column": EVALUATION,
            "version": VERSION,
            **self.ground,
            "set": self.set.recipe,
            "run": self.run,
            "steps": self.steps,
        }

    @property
    def identity(self) -> str:
        """Under which the column lies."""
        return identity(self.recipe)

    def is_there(self, store: Store) -> bool:
        """Whether it was trained, and every byte of it is whole."""
        if not (store.path / COLUMNS / self.name / self.identity / COLUMN).exists():
            return False
        rows = len(store.open_column(self.name, self.identity))
        return store.write_column(self.name, self.recipe, rows=rows).finished

    def write(self, store: Store, predicted: Labels, outcome: Mapping[str, Any]) -> None:
        """Keep the predictions of the test samples, −1 where there is none, and what they amount to."""
        writer = store.write_column(self.name, self.recipe, rows=len(predicted))
        for part in writer.missing():
            writer.put(part, predicted[part.start : part.stop])
        about = {**outcome, "set": dict(self.set.about)}
        writer.attach("outcome", 0, json.dumps(about, sort_keys=True).encode(), "json")
        writer.finish()


def without_lost(store: Store, cells: Sequence[Cell]) -> int:
    """Show no cells any more that are gone from the disk and not among these; return how many they were.

    These are trained again; of the others nobody knows any more what came of them.
    """
    shown, asked = store.state["columns"], {cell.name for cell in cells}
    lost = [
        name
        for name in of_kinds(shown, EVALUATION)
        if name not in asked and not (store.path / COLUMNS / name / shown[name] / COLUMN).exists()
    ]
    if lost:
        store.publish(without=lost)
    return len(lost)


def outcome_of(predicted: Labels, labels: Labels, rows: Rows, classes: list[str]) -> dict[str, Any]:
    """Return accuracy, and that of each class, over the rows that have a label.

    Returns
    -------
    dict
        tested, right, accuracy; classes: name → [right, tested], of those that are tested; worst_class,
        worst_accuracy: the lowest of them, of several the first.
    """
    rows = rows[labels[rows] >= 0]
    own, right = labels[rows], predicted[rows] == labels[rows]
    tested = np.bincount(own, minlength=len(classes))
    hits = np.bincount(own[right], minlength=len(classes))
    present = np.flatnonzero(tested)
    shares = hits[present] / tested[present]
    worst = int(present[np.argmin(shares)])
    return {
        "tested": len(rows),
        "right": int(right.sum()),
        "accuracy": float(right.mean()),
        "classes": {classes[c]: [int(hits[c]), int(tested[c])] for c in present.tolist()},
        "worst_class": classes[worst],
        "worst_accuracy": float(shares.min()),
    }
