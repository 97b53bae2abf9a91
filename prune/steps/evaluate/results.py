"""What the evaluations of a store found: cells read from its columns, set by set, beside random."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from prune.core.column_name import EVALUATION, of_kinds
from prune.steps.evaluate.costs import scoring_seconds, selecting_seconds
from prune.steps.evaluate.evaluation_table import EvaluationRow, EvaluationSummary, EvaluationTable
from prune.steps.evaluate.headings import headings_of
from prune.steps.evaluate.intervals import Difference, mean_interval, paired_difference
from prune.steps.evaluate.protocol import protocol_of
from prune.steps.evaluate.training_sets import EVERYTHING, RANDOM, SELECTION, digest_of
from prune.store import Store, identity


@dataclass(frozen=True)
class _Read:
    """A cell as it lies in the store."""

    row: EvaluationRow
    asked: str | None  # the fraction that was asked for
    classes: Mapping[str, Sequence[int]]
    about: Mapping[str, Any]
    recipe: Mapping[str, Any]

    @property
    def is_stored(self) -> bool:
        """Whether it is a selection of the store, by its name."""
        return "selection" in self.about

    def marked(self, mark: str) -> _Read:
        """Return it with a name that says more."""
        return replace(self, row=replace(self.row, named=f"{self.row.spec} {mark}"))

    @property
    def family(self) -> tuple[Any, ...]:
        """What cells share whose selection may have been chosen anew between them."""
        sized = self.row.spec in {RANDOM, EVERYTHING}  # a selection that is chosen anew may have another size
        return (self.row.setting, self.row.spec, self.asked, self.row.k if sized else None)

    @property
    def of_set(self) -> tuple[Any, ...]:
        """What cells share that are trained on one set, however its size was asked for."""
        return (self.row.setting, self.row.spec, self.row.k, self.row.set)


def evaluations(store: Store | str | Path = ".prune", setting: str | None = None) -> EvaluationTable:
    """Return all evaluations of a store, or those of one setting; a notebook shows them as a table.

    Cells of a selection that was chosen anew since are left out: they are of another set than the first seed.
    A set that was asked for in two ways, as by its name and by its fraction, counts once. A selection of the
    store with the name of a method that was evaluated too, and chose others, is shown as `NAME (selection)`.

    Raises
    ------
    StoreError
        There is no store, or a cell is damaged.
    """
    store = store if isinstance(store, Store) else Store(store)
    read = [_read(store, name) for name in of_kinds(store.columns, EVALUATION)]
    groups = _named_apart(_by_set(one for one in read if setting in {None, one.row.setting}))
    found = sorted(((_summary(store, group, groups), group) for group in groups.values()), key=_place)
    return EvaluationTable(
        tuple(one.row for _, group in found for one in group),
        tuple(summary for summary, _ in found),
        headings_of({one.row.setting: one.recipe for group in groups.values() for one in group}),
    )


def _by_set(read: Iterable[_Read]) -> dict[tuple[Any, ...], list[_Read]]:
    """Return the cells of each set, seed by seed, those of earlier choices left out."""
    families: dict[tuple[Any, ...], list[_Read]] = {}
    for one in sorted(read, key=lambda one: one.row.seed):
        families.setdefault(one.family, []).append(one)
    groups: dict[tuple[Any, ...], dict[int, _Read]] = {}
    for family in families.values():
        for one in family:
            if one.row.set == family[0].row.set:
                groups.setdefault(one.of_set, {}).setdefault(one.row.seed, one)
    return {key: [of[seed] for seed in sorted(of)] for key, of in groups.items()}


def _named_apart(groups: Mapping[tuple[Any, ...], list[_Read]]) -> dict[tuple[Any, ...], list[_Read]]:
    """Mark the selections of the store that are called like a SPEC of the same setting, of another set."""
    stored = {key for key, of in groups.items() if all(one.asked is None and one.is_stored for one in of)}
    chosen = {key[:2] for key in groups.keys() - stored}
    return {
        key: [one.marked(SELECTION) for one in of] if key in stored and key[:2] in chosen else of
        for key, of in groups.items()
    }


def setting_of(recipe: Mapping[str, Any]) -> str:
    """Return what stands for all that cells must share to be compared."""
    shared = ("data", "training", "protocol", "test", "noise", "inputs", "device", "precision")
    return identity({name: recipe.get(name) for name in shared})


def _read(store: Store, name: str) -> _Read:
    column = store.column(name)
    recipe = column.recipe
    outcome = json.loads(column.attachment("outcome", 0))
    row = EvaluationRow(
        cell=name,
        setting=setting_of(recipe),
        spec=recipe["set"]["spec"],
        named=recipe["set"]["spec"],
        fraction=recipe["set"]["k"] / outcome["usable"],
        k=recipe["set"]["k"],
        seed=recipe["run"],
        protocol=protocol_of(recipe["protocol"]).in_short,
        steps=recipe["steps"],
        model=recipe["training"]["proxy"],
        test=recipe["test"]["data"],
        label_noise=(recipe["noise"] or {}).get("rate", 0.0),
        tested=outcome["tested"],
        accuracy=outcome["accuracy"],
        worst_class=outcome["worst_class"],
        worst_accuracy=outcome["worst_accuracy"],
        seconds=store.costs.get(identity(recipe)),
        set=digest_of(recipe["set"]),
    )
    return _Read(row, recipe["set"]["asked"], outcome["classes"], outcome["set"], recipe)


def _summary(
    store: Store, group: Sequence[_Read], groups: Mapping[tuple[Any, ...], Sequence[_Read]]
) -> EvaluationSummary:
    first = group[0].row
    worst_class, worst = _worst(group)
    seconds = _mean(one.row.seconds for one in group)
    before = _before(store, group[-1])
    return EvaluationSummary(
        setting=first.setting,
        spec=first.spec,
        named=first.named,
        fraction=first.fraction,
        k=first.k,
        protocol=first.protocol,
        steps=first.steps,
        model=first.model,
        seeds=len(group),
        accuracy=mean_interval([one.row.accuracy for one in group], resolution=1 / first.tested),
        difference=_difference(group, groups.get((first.setting, RANDOM, first.k, None), ())),
        worst_class=worst_class,
        worst_accuracy=worst,
        seconds=seconds,
        cost=None if seconds is None or before is None else seconds + before,
        set=first.set,
    )


def _difference(group: Sequence[_Read], random: Sequence[_Read]) -> Difference | None:
    """Compare seed by seed with the random sets of the same size."""
    twins = {one.row.seed: one.row for one in random}
    pairs = [(one.row, twins[one.row.seed]) for one in group if one.row.seed in twins]
    if group[0].row.spec in {RANDOM, EVERYTHING} or not pairs:
        return None
    ours, theirs = ([row.accuracy for row in side] for side in zip(*pairs, strict=True))
    return paired_difference(ours, theirs, resolution=1 / pairs[0][0].tested)


def _before(store: Store, one: _Read) -> float | None:
    """Return the seconds until the set was known: nothing for random and everything."""
    if one.row.spec in {RANDOM, EVERYTHING}:
        return 0.0
    parts = scoring_seconds(store, one.about.get("from", {})), selecting_seconds(store, one.about)
    return None if None in parts else sum(part for part in parts if part is not None)


def _worst(group: Sequence[_Read]) -> tuple[str, float]:
    shares = {
        name: fmean(one.classes[name][0] / one.classes[name][1] for one in group) for name in group[0].classes
    }
    worst = min(shares, key=lambda name: shares[name])
    return worst, shares[worst]


def _mean(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else fmean(value for value in known if value is not None)


def _place(found: tuple[EvaluationSummary, Sequence[_Read]]) -> tuple[Any, ...]:
    summary = found[0]
    kind = {RANDOM: 0, EVERYTHING: 2}.get(summary.spec, 1)
    return (
        summary.model,
        summary.protocol,
        summary.setting,
        kind == 2,
        summary.k,
        kind,
        -summary.accuracy.mean,
        summary.spec,
        summary.set or "",
    )
