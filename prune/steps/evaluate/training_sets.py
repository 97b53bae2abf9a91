"""What targets are trained on: selections, random sets of the same size, and everything.

A selection that is made to be evaluated is no selection of the store: it is a column `choice.…`, made once,
so that neither the list of selections grows nor the latest of them changes.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array, Rows, Weights
from prune.core.column_name import CHOICE, ColumnName
from prune.core.errors import OptionError
from prune.core.progress import StagesOnly
from prune.core.quota import groups, select_under_quota
from prune.core.selection import Selection
from prune.selectors.random import random
from prune.steps.evaluate.spec import Spec
from prune.steps.select.by_class import ChoiceTask, choose
from prune.steps.select.inputs import resolve
from prune.steps.select.run import selection_recipe
from prune.steps.settings import Settings
from prune.store import Dataset, Store, identity, outdated_by, read_selection
from prune.store.layout import COLUMN, COLUMNS

RANDOM, EVERYTHING = "random", "everything"
_VERSION = 1  # raised when the same selection would be kept in another way
_ABOUT = ("method", "asked", "options", "k", "from")  # of a stored selection, what goes with its cells


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Samples to train on."""

    spec: str  # a SPEC, `random` or `everything`
    asked: str | None  # the fraction that was asked for; None where the size is its own
    rows: Rows  # (k,) ascending
    weights: Weights | None = None  # (k,), of the loss; None where all are alike
    about: Mapping[str, Any] = field(default_factory=dict)  # how it was chosen: see `recipe`
    run: int | None = None  # of a random set: the seed that it was drawn for

    @property
    def recipe(self) -> dict[str, Any]:
        """What a training on it depends on."""
        weights = None if self.weights is None else _digest(self.weights.astype("<f4"))
        return {
            "spec": self.spec,
            "asked": self.asked,
            "k": len(self.rows),
            "rows": _digest(self.rows.astype("<i8")),
            "weights": weights,
        }


def everything(rows: Rows) -> TrainingSet:
    """Return all samples that can be trained on."""
    return TrainingSet(EVERYTHING, None, rows)


def random_set(dataset: Dataset, rows: Rows, k: int, seed: int, run: int) -> TrainingSet:
    """Return a random set of k of the rows, every class in its proportion.

    It is the one that `prune select --method random --quota proportional` chooses by the seed `seed + run`.
    """
    keys = dataset.samples["key"]

    def draw(members: Rows, share: int | None) -> Selection:
        assert share is not None
        return random(keys.take(pa.array(members)).to_pylist(), k=share, seed=seed + run).at(members)

    chosen = select_under_quota(draw, groups(dataset.labels, rows, k, "proportional"))
    return TrainingSet(RANDOM, None, np.sort(chosen.rows), run=run)


def stored_set(store: Store, name: str) -> TrainingSet:
    """Return a selection of the store.

    Raises
    ------
    StoreError
        It is damaged.
    OptionError
        A column that decided it was made again since.
    """
    chosen = read_selection(store, name)
    column = outdated_by(store, chosen)
    if column is not None:
        raise OptionError(
            f"{column} was made again since the selection {name!r} was chosen by it",
            f"{chosen.again}   # then evaluate it",
        )
    about = {key: chosen.about[key] for key in _ABOUT if key in chosen.about}
    return TrainingSet(name, None, chosen.rows, chosen.weights, {**about, "selection": name})


def chosen_set(store: Store, spec: Spec, fraction: str | None, settings: Settings) -> TrainingSet:
    """Return what a SPEC keeps, chosen now or before.

    Raises
    ------
    OptionError, DataError, StoreError
        As of `select`.
    """
    column, recipe = _column(store, spec, fraction, settings)
    writer = store.write_column(column, recipe, rows=len(store.dataset))
    if not writer.finished:
        began = time.perf_counter()
        weights, about = _choose(store, spec, fraction, settings)
        for part in writer.missing():
            writer.put(part, weights[part.start : part.stop])
        writer.attach("about", 0, json.dumps(about, sort_keys=True).encode(), "json")
        writer.finish()
        store.add_cost(identity(recipe), time.perf_counter() - began)
    store.publish(columns={column: identity(recipe)})
    made = store.open_column(column, identity(recipe))
    kept: Array = made.read()
    rows = np.flatnonzero(kept >= 0)
    weights = kept[rows]
    about = json.loads(made.attachment("about", 0))
    plain = bool((weights == 1).all())
    return TrainingSet(
        spec.text, fraction, rows, None if plain else weights, {**about, "choice": identity(recipe)}
    )


def is_chosen(store: Store, spec: Spec, fraction: str | None, settings: Settings) -> bool:
    """Whether a SPEC was chosen before, of the same columns."""
    column, recipe = _column(store, spec, fraction, settings)
    return (store.path / COLUMNS / column / identity(recipe) / COLUMN).exists()


def _column(
    store: Store, spec: Spec, fraction: str | None, settings: Settings
) -> tuple[ColumnName, dict[str, Any]]:
    asked = {"spec": spec.text, "fraction": fraction, "seed": settings.seed}
    stages = [
        selection_recipe(store, request, settings) for request in _requests(spec, fraction, settings.seed)
    ]
    recipe = {"column": CHOICE, "version": _VERSION, **asked, "stages": stages}
    return ColumnName(f"{CHOICE}.{identity(asked)}"), recipe


def _requests(spec: Spec, fraction: str | None, seed: int) -> list[Any]:
    own = [stage.request(seed) for stage in spec.stages[:-1]]
    last = spec.stages[-1]
    if fraction is None and not last.is_sized:
        raise OptionError(f"{spec.text} wants to know how much to keep", "--fraction 0.3   # or several")
    return [*own, last.request(seed) if fraction is None else last.request(seed, fraction=fraction)]


def _choose(
    store: Store, spec: Spec, fraction: str | None, settings: Settings
) -> tuple[Weights, dict[str, Any]]:
    """Return the weight of every sample, −1 where it is not kept, and how that came about.

    Each stage chooses among what the one before kept; columns that decided any of them count.
    """
    quiet = replace(settings, reporter=StagesOnly(settings.reporter))
    kept, decisive = None, dict[str, str]()
    for request in _requests(spec, fraction, settings.seed):
        inputs = resolve(store, request, quiet)
        task = inputs.task if kept is None else _within(inputs.task, kept, spec)
        chosen = choose(task, inputs.material())
        kept, decisive = np.sort(chosen.rows), decisive | inputs.decisive
    weights = np.full(len(store.dataset), -1, np.float32)
    weights[chosen.rows] = chosen.weights
    return weights, {"from": decisive, "k": len(chosen), "quota": task.quota}


def _within(task: ChoiceTask, kept: Rows, spec: Spec) -> ChoiceTask:
    """Return the choice among what was kept before.

    Raises
    ------
    OptionError
        There are not so many.
    """
    rows = np.intersect1d(task.rows, kept)
    if task.k is not None and task.k > len(rows):
        raise OptionError(
            f"{spec.text} is to choose {task.k} samples of {len(rows)} that are left",
            f"--fraction {math.floor(100 * len(rows) / len(task.rows)) / 100:g}, or keep more before",
        )
    return replace(task, rows=rows)


def _digest(values: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def trainable_part(chosen: TrainingSet, rows: Rows) -> TrainingSet:
    """Return what of a set is among these rows."""
    inside = np.isin(chosen.rows, rows)
    if inside.all():
        return chosen
    weights = None if chosen.weights is None else chosen.weights[inside]
    return replace(chosen, rows=chosen.rows[inside], weights=weights)
