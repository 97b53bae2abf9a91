"""Which proxies a score is taken from: runs, folds, a part of the samples; and when there are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import FIRST_RUN, ColumnName
from prune.core.errors import OptionError
from prune.core.method_rows import Scorer
from prune.core.progress import Timed
from prune.proxy import (
    FACTS,
    NETWORK_NEEDS,
    Proxy,
    Share,
    Training,
    folds_of,
    held_out_probs,
    join_folds,
    part_of,
    run_proxies,
    train_until,
)
from prune.steps.dataset_session import Opened
from prune.steps.report.agreement import Repeats, stands
from prune.steps.score.carried_training import CarriedRuns, carried_rows
from prune.steps.score.inputs import PER_RUN, RIGHT, ScoringJob, of_run
from prune.steps.score.later_samples import LaterSamples
from prune.steps.score.proxy_request import ProxyRequest
from prune.steps.score.proxy_units import ProxyUnits
from prune.steps.score.training_notice import announce
from prune.store import Column

_TWICE = 2  # epochs in a row that change nothing: one may be chance


@dataclass(frozen=True)
class TrainingTask:
    """What proxies are trained for."""

    opened: Opened
    inputs: Column
    methods: Mapping[str, tuple[Scorer, Mapping[str, Any]]]  # scores, with their options
    usable: Rows
    request: ProxyRequest
    carried: CarriedRuns | None = None  # proxies that were trained before the dataset grew

    @property
    def judged(self) -> dict[str, tuple[Scorer, Mapping[str, Any]]]:
        """The scores that another run changes."""
        return {name: pair for name, pair in self.methods.items() if set(pair[0].needs) <= PER_RUN}

    @property
    def seed(self) -> int:
        """By which parts and folds are drawn."""
        return self.opened.settings.seed if self.request.drawn is None else self.request.drawn

    @property
    def needs(self) -> set[str]:
        """Everything that some score reads."""
        return {need for method, _ in self.methods.values() for need in method.needs}


@dataclass(frozen=True)
class TrainedRuns:
    """What was trained, or was there already."""

    columns: dict[str, str]  # name -> identity
    training: Training  # its `stop` is set where epochs were left out
    runs: int
    part: Share | None = None
    folds: tuple[tuple[Rows, ...], ...] = ()  # of each run
    stable: dict[str, Any] | None = None  # what `--until-stable` found
    measured: list[str] = field(default_factory=list)  # columns of gradients and boundaries
    later: LaterSamples | None = None  # samples that the proxies never trained on


def train(task: TrainingTask, training: Training) -> TrainedRuns:
    """Train what is missing, and measure what the scores need of the networks.

    Raises
    ------
    OptionError
        No asked score is one that more runs, or more epochs, could change.
    """
    request, seed = task.request, task.seed
    part = None
    if task.carried is not None:
        part, training = _part(task.carried), task.carried.training
    elif request.on_fraction is not None:
        part = part_of(task.opened.dataset, task.usable, request.on_fraction, seed)
    proxies = [proxy for group in _sets(task, range(request.runs), part) for proxy in group]
    announce(
        task.opened, task.inputs, training, proxies, {name: of for name, (of, _) in task.methods.items()}
    )
    if request.stops_epochs:
        return _until_epoch(task, training, part)
    if request.stops_runs:
        return _held_out(task, _until_run(task, training, part))
    return _held_out(task, _runs(task, training, range(request.runs), part))


def _held_out(task: TrainingTask, done: TrainedRuns) -> TrainedRuns:
    """Add what the folds predict of the samples that they did not train on."""
    if task.request.cross_fit is None:
        return done
    opened, folds = task.opened, [proxy for group in _sets(task, range(done.runs), None) for proxy in group]
    made = held_out_probs(
        opened.store,
        opened.dataset,
        task.inputs,
        done.training,
        folds,
        done.columns,
        device=opened.settings.torch_device,
        reporter=opened.settings.reporter,
    )
    return replace(done, columns=done.columns | made)


def _until_epoch(task: TrainingTask, training: Training, part: Share | None) -> TrainedRuns:
    rows = task.usable if part is None else part.watched
    still = Still(task, rows)
    if task.carried is not None:
        done = _runs(task, training, [0], part)
        for _, facts in task.opened.store.open_column(FIRST_RUN, done.columns[FIRST_RUN]).blocks():
            still(facts[0])
    else:
        shorter = train_until(
            task.opened.store,
            task.opened.dataset,
            task.inputs,
            training,
            still,
            share=part,
            device=task.opened.settings.torch_device,
            reporter=task.opened.settings.reporter,
        )
        done = _runs(task, shorter, [0], part)
    last, most = done.training.last, training.epochs
    stable = {"rho": still.rho, "epochs": last, "of": most, "stands": still.stands}
    return replace(done, stable=stable)


def _until_run(task: TrainingTask, training: Training, part: Share | None) -> TrainedRuns:
    rho = task.request.until_stable
    assert rho is not None
    _require(task, task.judged, "--until-stable compares runs", "leave --until-stable out")
    rows = task.usable if part is None else part.watched
    done = TrainedRuns({}, training, 0)
    repeats = {name: Repeats() for name in task.judged}
    stands_still = False
    for run in range(task.request.runs if task.carried is None else len(task.carried.sets)):
        one = _runs(task, training, [run], part)
        done = replace(
            done,
            columns=done.columns | one.columns,
            runs=run + 1,
            folds=done.folds + one.folds,
            measured=[*done.measured, *one.measured],
        )
        job = ScoringJob(task.opened, done.columns, [run], rows)
        for name, (method, options) in task.judged.items():
            repeats[name].add(of_run(job, method, options, run)[rows])
        stands_still = all(made.stands(rho) for made in repeats.values())
        if stands_still:
            break
    stable = {"rho": rho, "runs": done.runs, "of": task.request.runs, "stands": stands_still}
    return replace(done, stable=stable)


def _runs(task: TrainingTask, training: Training, runs: Sequence[int], part: Share | None) -> TrainedRuns:
    opened, request = task.opened, task.request
    sets = _sets(task, runs, part)
    proxies = [proxy for group in sets for proxy in group]
    ready = (opened.store, opened.dataset, task.inputs, training)
    units = None if task.carried is not None else ProxyUnits(opened, task.inputs, training, task.usable)
    if units is not None:
        units.train(proxies)
    columns = run_proxies(
        *ready, proxies, device=opened.settings.torch_device, reporter=opened.settings.reporter
    )
    if units is not None:
        for need in filter(task.needs.__contains__, NETWORK_NEEDS):
            units.measure(need, proxies, columns)
    measured = [name for proxy in proxies for name in measure(task, training, proxy, columns)]
    if request.cross_fit is None:
        return TrainedRuns(columns, training, len(runs), part, measured=measured)
    for group in sets:
        columns |= join_folds(opened.store, columns, group, len(opened.dataset))
    folds = tuple(tuple(p.share.watched for p in group if p.share is not None) for group in sets)
    return TrainedRuns(columns, training, len(runs), folds=folds, measured=measured)


def _sets(task: TrainingTask, runs: Sequence[int], part: Share | None) -> list[list[Proxy]]:
    """Return the proxies of every run: one, or one a fold."""
    if task.carried is not None:
        return [list(task.carried.sets[run]) for run in runs if run < len(task.carried.sets)]
    k, anew = task.request.cross_fit, task.opened.settings.refresh
    if k is None:
        return [[Proxy(run, part, anew=anew)] for run in runs]
    dataset, usable = task.opened.dataset, task.usable
    drawn = [folds_of(dataset, usable, k, task.seed, run) for run in runs]
    return [[Proxy(run, s, anew=anew) for s in group] for run, group in zip(runs, drawn, strict=True)]


def _part(carried: CarriedRuns) -> Share | None:
    """Return the part that proxies learnt from, where it is one, and not a fold."""
    share = carried.first.share
    return share if share is not None and share.fold is None else None


def measure(task: TrainingTask, training: Training, proxy: Proxy, columns: dict[str, str]) -> list[str]:
    """Add what the scores need of a network itself to `columns`; return the names of what was added."""
    names: list[str] = []
    settings, store = task.opened.settings, task.opened.store
    for need, column in NETWORK_NEEDS.items():
        if need in task.needs:
            clock = Timed(settings.reporter)
            made = column(
                store,
                task.opened.dataset,
                task.inputs,
                training,
                proxy=proxy,
                carried=carried_rows(task.opened, column.kind, proxy),
                device=settings.torch_device,
                reporter=clock,
            )
            name = ColumnName.of_run(column.kind, proxy.name)
            columns[name] = made[name]
            names.append(name)
            if clock.seconds:
                store.add_cost(made[name], sum(clock.seconds.values()))
    return names


class Still:
    """Whether the scores of the epochs so far rank the samples as those of one epoch less, twice running."""

    def __init__(self, task: TrainingTask, rows: Rows) -> None:
        known = set(FACTS) | {RIGHT}
        self._methods = {n: p for n, p in task.judged.items() if set(p[0].needs) <= known}
        _require(task, self._methods, "--until-stable with one run looks at the trace", "--runs 5")
        assert task.request.until_stable is not None
        self.rho, self._rows = task.request.until_stable, rows
        self._facts: list[Array] = []
        self._before: dict[str, Array] = {}
        self._times = 0
        self.stands = False

    def __call__(self, facts: Array) -> bool:
        """Take the facts of one more epoch, (9, n)."""
        self._facts.append(facts[:, self._rows])
        before, self._before = self._before, self._scores()
        still = len(self._methods) == len(self._before) == len(before) and all(
            stands(before[name], scores, self.rho) for name, scores in self._before.items()
        )
        self._times = self._times + 1 if still else 0
        self.stands = self.stands or self._times >= _TWICE
        return self.stands

    def _scores(self) -> dict[str, Array]:
        made = {}
        for name, (method, options) in self._methods.items():
            try:
                made[name] = method.function(*(self._fact(need) for need in method.needs), **options)
            except OptionError:  # it looks at an epoch that is still to come
                continue
        return made

    def _fact(self, need: str) -> Array:
        if need == RIGHT:
            return self._fact("margin") > 0
        place = FACTS.index(need)
        return np.stack([facts[place] for facts in self._facts]).astype(np.float32)


def _require(task: TrainingTask, judged: Mapping[str, Any], what: str, hint: str) -> None:
    if not judged:
        raise OptionError(f"{what}, but not {', '.join(task.methods)}", hint)
