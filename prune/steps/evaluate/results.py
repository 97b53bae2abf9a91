"""What the evaluations of a store found: a row a cell, and a summary a selection, beside random."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow as pa

from prune.core.column_name import EVALUATION, of_kinds
from prune.core.notebook import html_table, to_pandas
from prune.core.safe_text import counted
from prune.steps.evaluate.costs import scoring_seconds, selecting_seconds
from prune.steps.evaluate.intervals import Difference, Interval, mean_interval, paired_difference
from prune.steps.evaluate.protocol import protocol_of
from prune.steps.evaluate.training_sets import EVERYTHING, RANDOM
from prune.store import Store, identity


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationRow:
    """One training: a set, a seed, and what the target got right after the last step."""

    cell: str  # its column
    setting: str  # equal for all that can be compared: training, protocol, test set
    spec: str  # a SPEC, the name of a selection, `random` or `everything`
    fraction: float  # kept, of the samples that can be used
    k: int
    seed: int  # 0, 1, …: of weights, order and augmentation, and of the random set
    protocol: str
    steps: int
    model: str
    test: str  # fingerprint of the test set
    label_noise: float
    tested: int
    accuracy: float
    worst_class: str
    worst_accuracy: float
    seconds: float | None  # of training; None where the store was copied without them


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationSummary:
    """All seeds of one set, beside the random sets of the same size and seeds."""

    setting: str
    spec: str
    fraction: float
    k: int
    protocol: str
    steps: int
    model: str
    seeds: int
    accuracy: Interval
    difference: Difference | None  # to random; None of random itself and of everything
    worst_class: str  # the one that is worst in the mean over seeds
    worst_accuracy: float
    seconds: float | None  # of one training
    cost: float | None  # of one training, with scoring and selecting


@dataclass(frozen=True)
class EvaluationTable:
    """Rows and summaries, by size, random first and everything last."""

    rows: tuple[EvaluationRow, ...]
    summaries: tuple[EvaluationSummary, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def to_arrow(self) -> pa.Table:
        """Return the rows as a table."""
        return pa.Table.from_pylist([asdict(row) for row in self.rows], schema=_SCHEMA)

    def to_pandas(self) -> Any:
        """Return the rows as a pandas DataFrame.

        Raises
        ------
        NoPandasError
            pandas is not installed; it is also an ImportError.
        """
        return to_pandas(self.to_arrow())

    def to_json(self) -> list[dict[str, Any]]:
        """Return the summaries as JSON."""
        return [asdict(summary) for summary in self.summaries]

    def _repr_html_(self) -> str:
        head = ("kept", "selection", "accuracy %", "to random", "verdict", "worst class", "seeds", "protocol")
        return html_table(f"{counted(len(self), 'training')}", head, [_shown(one) for one in self.summaries])


def _shown(one: EvaluationSummary) -> tuple[str, ...]:
    """Return a summary as the words of a row."""
    accuracy, beside = f"{100 * one.accuracy.mean:.2f}", ("", "")
    if one.accuracy.low is not None and one.accuracy.high is not None:
        accuracy += f" ± {50 * (one.accuracy.high - one.accuracy.low):.2f}"
    if one.difference is not None:
        beside = f"{100 * one.difference.mean:+.2f}", one.difference.verdict
    kept, worst = f"{100 * one.fraction:.3g} %", f"{100 * one.worst_accuracy:.2f} ({one.worst_class})"
    return (kept, one.spec, accuracy, *beside, worst, str(one.seeds), f"{one.protocol}, {one.model}")


@dataclass(frozen=True)
class _Read:
    """A cell as it lies in the store."""

    row: EvaluationRow
    rows_digest: str
    classes: Mapping[str, Sequence[int]]
    about: Mapping[str, Any]


def evaluations(store: Store | str | Path = ".prune", setting: str | None = None) -> EvaluationTable:
    """Return all evaluations of a store, or those of one setting; a notebook shows them as a table.

    Cells of a selection that was chosen anew since are left out: they are of another set than the first seed.

    Raises
    ------
    StoreError
        There is no store, or a cell is damaged.
    """
    store = store if isinstance(store, Store) else Store(store)
    found = [_read(store, name) for name in of_kinds(store.columns, EVALUATION)]
    read = [one for one in found if one is not None and setting in {None, one.row.setting}]
    groups: dict[tuple[Any, ...], list[_Read]] = {}
    for one in sorted(read, key=lambda one: one.row.seed):
        groups.setdefault((one.row.setting, one.row.spec, one.row.k), []).append(one)
    current = {key: list(_of_one_set(group)) for key, group in groups.items()}
    summaries = [_summary(store, group, current) for group in current.values()]
    summaries.sort(key=_place)
    rows = [one.row for summary in summaries for one in current[summary.setting, summary.spec, summary.k]]
    return EvaluationTable(tuple(rows), tuple(summaries))


def setting_of(recipe: Mapping[str, Any]) -> str:
    """Return what stands for all that cells must share to be compared."""
    shared = ("data", "training", "protocol", "test", "noise", "inputs", "device", "precision")
    return identity({name: recipe.get(name) for name in shared})


def _read(store: Store, name: str) -> _Read | None:
    column = store.column(name)
    recipe = column.recipe
    outcome = json.loads(column.attachment("outcome", 0))
    row = EvaluationRow(
        cell=name,
        setting=setting_of(recipe),
        spec=recipe["set"]["spec"],
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
    )
    return _Read(row, recipe["set"]["rows"], outcome["classes"], outcome["set"])


def _of_one_set(group: Sequence[_Read]) -> Iterator[_Read]:
    """Yield the cells of the same set as the first; random sets are drawn for each seed."""
    for one in group:
        if one.row.spec == RANDOM or one.rows_digest == group[0].rows_digest:
            yield one


def _summary(
    store: Store, group: Sequence[_Read], all_: Mapping[tuple[Any, ...], Sequence[_Read]]
) -> EvaluationSummary:
    first = group[0].row
    worst_class, worst = _worst(group)
    seconds = _mean(one.row.seconds for one in group)
    before = _before(store, group[-1])
    return EvaluationSummary(
        setting=first.setting,
        spec=first.spec,
        fraction=first.fraction,
        k=first.k,
        protocol=first.protocol,
        steps=first.steps,
        model=first.model,
        seeds=len(group),
        accuracy=mean_interval([one.row.accuracy for one in group], resolution=1 / first.tested),
        difference=_difference(group, all_.get((first.setting, RANDOM, first.k), ())),
        worst_class=worst_class,
        worst_accuracy=worst,
        seconds=seconds,
        cost=None if seconds is None or before is None else seconds + before,
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


def _place(summary: EvaluationSummary) -> tuple[Any, ...]:
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
    )


_SCHEMA = pa.schema(
    [
        pa.field("cell", pa.string()),
        pa.field("setting", pa.string()),
        pa.field("spec", pa.string()),
        pa.field("fraction", pa.float64()),
        pa.field("k", pa.int64()),
        pa.field("seed", pa.int64()),
        pa.field("protocol", pa.string()),
        pa.field("steps", pa.int64()),
        pa.field("model", pa.string()),
        pa.field("test", pa.string()),
        pa.field("label_noise", pa.float64()),
        pa.field("tested", pa.int64()),
        pa.field("accuracy", pa.float64()),
        pa.field("worst_class", pa.string()),
        pa.field("worst_accuracy", pa.float64()),
        pa.field("seconds", pa.float64()),
    ]
)
