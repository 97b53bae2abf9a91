"""From columns of the store to a schedule that is to be exported: who takes part, by which rule, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array, Rows
from prune.core.column_name import ColumnName
from prune.core.directions import low_is_hard
from prune.core.epoch_sets import EpochSets
from prune.core.errors import DataError, OptionError, StoreError
from prune.core.lots import lots
from prune.core.quota import Quota, groups, keep_count
from prune.exporters import ExportJob
from prune.exporters.schedule import ABOUT
from prune.readers import Reader
from prune.steps.recovery import commands_of
from prune.steps.rejects import all_rejects
from prune.steps.schedules.rules import EasyToHard, RandomSubsets, require_sizes
from prune.steps.score_columns import score_column
from prune.steps.settings import Settings
from prune.steps.space_columns import GRADIENTS, SpaceSource, space_name
from prune.store import Dataset, Store, read_selection
from prune.store.layout import SELECTIONS
from prune.system import files

_VERSION = 3  # raised when the same options would give other sets
_PHASE = 0.5  # of the epochs, until a curriculum has everything


@dataclass(frozen=True, kw_only=True)
class ScheduleRequest:
    """What a schedule is to be: the options of its format, and how much an epoch has."""

    fraction: str | float | None
    selection: str | None
    options: Mapping[str, Any]

    def option(self, name: str) -> Any:
        """Return an option; None where it was not given."""
        return self.options.get(name)


def scheduled_job(
    store: Store, reader: Reader, dataset: Dataset, wanted: ScheduleRequest, settings: Settings
) -> ExportJob:
    """Say what is to be written.

    Raises
    ------
    OptionError, DataError, StoreError
        The options, the dataset and the store do not go together.
    """
    pool, usable = _pool(store, dataset, wanted.selection, settings)
    epochs = wanted.option("epochs")
    if epochs is None:
        raise OptionError("a schedule has a number of epochs, and none was given", "--epochs 200")
    if wanted.fraction is None:
        raise OptionError("a schedule has a number of samples an epoch, and none was given", "--fraction 0.3")
    k = keep_count(wanted.fraction, usable)
    require_sizes(len(pool), k, epochs)
    rule = wanted.option("rule") or "rs2"
    _require_fitting(rule, wanted)
    task = _RuleTask(store, dataset, pool, k, epochs, wanted, settings)
    sets, facts = _RULES[rule](task)
    about = {
        "version": _VERSION,
        "rule": rule,
        "epochs": epochs,
        "k": k,
        "n": len(dataset),
        "drawn_from": len(pool),
        "seed": settings.seed,
        "selection": wanted.selection,
        "dataset": {"fingerprint": dataset.fingerprint, "format": dataset.format, "split": dataset.split},
        **facts,
    }
    asked: dict[str, Any] = {
        "selection": wanted.selection,
        "fraction": str(wanted.fraction),
        "rejected": False,
    }
    if settings.seed:
        asked["seed"] = settings.seed
    records = {ABOUT: files.json_bytes(about)}
    return ExportJob(reader, dataset, pool, None, records, settings.reporter, asked, sets=sets)


@dataclass(frozen=True)
class _RuleTask:
    store: Store
    dataset: Dataset
    pool: Rows
    k: int
    epochs: int
    wanted: ScheduleRequest
    settings: Settings

    def by_lot(self) -> Rows:
        """Return the pool in an order of seed and key, so that it does not matter how the data lies."""
        keys = self.dataset.samples["key"].take(pa.array(self.pool)).to_pylist()
        return self.pool[np.argsort(lots(keys, f"{self.settings.seed}"), kind="stable")]

    def phase(self, default: float) -> float:
        """Return the part of the epochs that was asked for."""
        asked = self.wanted.option("phase")
        return default if asked is None else asked


_Made = tuple[EpochSets, dict[str, Any]]


def _rs2(task: _RuleTask) -> _Made:
    return RandomSubsets(task.by_lot(), task.k, task.epochs, seed=task.settings.seed), {}


def _random(task: _RuleTask) -> _Made:
    rows = task.by_lot()
    return RandomSubsets(rows, task.k, task.epochs, seed=task.settings.seed, independent=True), {}


def _curriculum(task: _RuleTask) -> _Made:
    column = score_column(task.store, task.wanted.option("score"))
    name, high = ColumnName(column.name).of, column.recipe["high"]
    low = low_is_hard(high)
    if low is None:
        raise OptionError(
            f"score {name} does not say which of its ends is easy (high: {high})",
            "--score el2n   # or another",
        )
    rows = task.by_lot()
    values: Array = column.read()[rows]
    _require_finite(values, rows, name, task.dataset)
    easy_first = rows[np.argsort(-values if low else values, kind="stable")]
    phase = task.phase(_PHASE)
    sets = EasyToHard(easy_first, task.k, task.epochs, seed=task.settings.seed, phase=phase)
    return sets, {"score": name, "high": high, "phase": phase, "from": _made(task.store, column.name)}


def _milo(task: _RuleTask) -> _Made:
    from prune.steps.schedules.milo import PHASE, Milo  # loads torch

    name = space_name(task.store, task.wanted.option("on"))
    if name == GRADIENTS:
        raise OptionError("milo compares samples in an embedding, not in gradients", "--on proxy")
    device, memory = task.settings.torch_device, task.settings.memory_limit
    source = SpaceSource(task.store, task.dataset, name, device=device, memory=memory)
    labels = task.dataset.labels
    quota: Quota = "proportional" if (labels[task.pool] >= 0).all() else "none"
    shares = [(rows, share or 0) for rows, share in groups(labels, task.by_lot(), task.k, quota)]
    phase = task.phase(PHASE)
    sets = Milo(shares, source.space, task.epochs, seed=task.settings.seed, phase=phase)
    facts = {"on": name, "phase": phase, "first_phase": sets.first, "groups": len(shares)}
    return sets, {**facts, "from": _made(task.store, name)}


_RULES: dict[str, Callable[[_RuleTask], _Made]] = {
    "rs2": _rs2,
    "random": _random,
    "curriculum": _curriculum,
    "milo": _milo,
}
_OF_RULES = {"score": ("curriculum",), "on": ("milo",), "phase": ("curriculum", "milo")}


def _require_fitting(rule: str, wanted: ScheduleRequest) -> None:
    for name, rules in _OF_RULES.items():
        if wanted.option(name) is not None and rule not in rules:
            raise OptionError(f"--rule {rule} looks at no --{name}", f"--rule {rules[0]}   # or leave it out")


def _pool(store: Store, dataset: Dataset, name: str | None, settings: Settings) -> tuple[Rows, int]:
    """Return the rows that take part, ascending, and how many samples of the dataset can be used."""
    usable = np.setdiff1d(dataset.usable, np.array(sorted(all_rejects(store, dataset)), np.int64))
    if name is None:
        return usable, len(usable)
    chosen = read_selection(store, name)
    if chosen.about["dataset"]["fingerprint"] != dataset.fingerprint:
        raise StoreError(
            f"the dataset of {store.path} changed since the selection {chosen.name!r} was chosen",
            commands_of(store)(f"{SELECTIONS}/{chosen.name}"),
        )
    if chosen.weights is not None:
        settings.reporter.say(f"the weights of {chosen.name} are not in the schedule: a row counts once")
    return chosen.rows, len(usable)


def _made(store: Store, column: str) -> dict[str, str]:
    return {column: store.state["columns"][column]}


def _require_finite(values: Array, rows: Rows, name: str, dataset: Dataset) -> None:
    bad = rows[~np.isfinite(values)]
    if len(bad):
        first = dataset.samples["key"][int(bad[0])].as_py()
        raise DataError(
            f"{len(bad)} samples have no {name}; the first is {first}", f"prune score --type {name}"
        )
