"""From names of scores to columns: what each needs is computed once, then every score is arithmetic."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Scores
from prune.core.errors import MissingColumnError, OptionError
from prune.core.method_rows import Scorer
from prune.core.methods import find
from prune.proxy import Training, cache_images
from prune.scorers import SCORERS
from prune.steps.dataset_session import Opened
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.report.agreement import agreement, fold_shift
from prune.steps.score.cost import cost_of, spent
from prune.steps.score.earlier_training import earlier, require_told, settled
from prune.steps.score.imputation import Filling
from prune.steps.score.inputs import (
    FEATURES,
    IMAGES,
    PER_RUN,
    PROBS,
    RANK,
    SPACE,
    TRAINED,
    ScoringJob,
    embeddings_of,
    is_there,
    of_run,
    present,
    rehearse,
    scored,
    space_of,
)
from prune.steps.score.proxy_runs import TrainedRuns, TrainingTask, train
from prune.steps.score.request import ProxyRequest
from prune.steps.score.unlabelled import judged, require_labels
from prune.steps.space_columns import embedding_name
from prune.store import Column, identity


@dataclass(frozen=True)
class ScoreRequest:
    """Scores to compute, with the options of each."""

    methods: Mapping[str, Scorer]
    options: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, types: Sequence[str], settings: Sequence[str]) -> ScoreRequest:
        """Look the names up; a setting goes to every method that has the option.

        Raises
        ------
        OptionError
            No scorer has this name, or none of them has this option.
        """
        methods = {name: find("score", name, SCORERS) for name in types}
        for word in settings:
            name = word.partition("=")[0]
            if methods and not any(name in method.options for method in methods.values()):
                next(iter(methods.values())).parse([word])
        options = {
            name: method.parse([word for word in settings if word.partition("=")[0] in method.options])
            for name, method in methods.items()
        }
        return cls(methods, options)

    @property
    def needs(self) -> set[str]:
        """Everything that some scorer reads."""
        return {need for method in self.methods.values() for need in method.needs}

    @property
    def trained(self) -> bool:
        """Whether a proxy has to be trained, whatever embeddings there are."""
        return bool(self.needs & TRAINED)

    def mixing(self, space: str | None) -> list[str]:
        """Return the scores that compare what one proxy says of several samples."""
        return [
            name
            for name, method in self.methods.items()
            if PROBS in method.needs or (SPACE in method.needs and space == FEATURES)
        ]

    def rehearse(self, training: Training) -> list[str]:
        """Return what the user should know before a proxy is trained; see `inputs.rehearse`."""
        told = [rehearse(m, self.options[name], training.epochs) for name, m in self.methods.items()]
        return [remark for remark in told if remark]


@dataclass(frozen=True)
class Scored:
    """What was computed."""

    columns: dict[str, str]  # to publish: name -> identity
    about: dict[str, dict[str, Any]] = field(default_factory=dict)  # of each score: see `_about`
    cost: dict[str, Any] = field(default_factory=dict)
    trained: TrainedRuns | None = None
    request: ProxyRequest | None = None  # what of it was said, and what was taken over

    @property
    def facts(self) -> dict[str, Any]:
        """What the command says of all scores together."""
        facts: dict[str, Any] = {"cost": self.cost} if self.cost else {}
        if self.trained is not None:
            facts |= {"runs": self.trained.runs, "epochs": self.trained.training.last}
            facts |= {"stable": self.trained.stable} if self.trained.stable else {}
            facts |= {"cross_fit": len(self.trained.folds[0])} if self.trained.folds else {}
        return facts


def score_columns(
    opened: Opened, wanted: ScoreRequest, training: Training, *, request: ProxyRequest, on: str | None
) -> Scored:
    """Compute scores and all that they need.

    Raises
    ------
    OptionError
        Something was said of a training, and nothing is trained.
    """
    told, before = request, earlier(opened.store, opened.fingerprint)
    training, request, looked = settled(before, training, told, opened.settings.seed, on)
    remarks = wanted.rehearse(training)
    fills = {SPACE} if request.on_fraction is not None and on is not None else set()
    space = space_of(opened, wanted.needs | fills, on)
    request.require_comparable(wanted.mixing(space))
    asked = bool(told.words) and space == FEATURES  # of those that are there, others may be meant
    trains = wanted.trained or (SPACE in wanted.needs and (asked or not is_there(opened, space)))
    if not trains:
        told.require_none(f"{', '.join(wanted.methods)} trains nothing", hint="leave it out")
    inputs, published = None, dict[str, str]()
    rejects = opened.dataset.rejects
    if trains or IMAGES in wanted.needs:
        require_told(opened.store, before, request, trains=trains)
        inputs, published = _inputs(opened, wanted, training, looked)
        rejects = {**rejects, **inputs.rejects}
    if space is not None and is_there(opened, space) and not (trains and space == FEATURES):
        published |= present(opened, space)
        rejects = {**rejects, **opened.store.column(space).rejects}
        if space == FEATURES:
            rejects = {**rejects, **all_rejects(opened.store, opened.dataset)}
    check_rejects(opened, rejects)
    usable = np.setdiff1d(np.arange(len(opened.dataset)), np.array(sorted(rejects), np.int64))
    require_labels(opened, wanted.methods, usable, trains=trains)
    as_before = [f"as the trace that is there: {before}"] if trains and before and not told.is_said else []
    for remark in [*as_before, *remarks]:
        opened.settings.reporter.say(remark)
    cost_before, trained = spent(opened.store), None
    if trains:
        assert inputs is not None
        pairs = {name: (method, wanted.options[name]) for name, method in wanted.methods.items()}
        trained = train(TrainingTask(opened, inputs, pairs, usable, request), training)
        published |= trained.columns
    images = inputs if IMAGES in wanted.needs else None
    job = ScoringJob(opened, published, range(trained.runs if trained else 1), usable, images, space)
    done, about, seconds = _all_scores(job, wanted, trained, FEATURES if on is None else space)
    cost = cost_of(opened.store, trained, seconds, cost_before, opened.settings.torch_device)
    return Scored({**published, **done}, about, cost, trained, request)


def _all_scores(
    job: ScoringJob, wanted: ScoreRequest, trained: TrainedRuns | None, near: str | None
) -> tuple[dict[str, str], dict[str, dict[str, Any]], dict[str, float]]:
    """Return the columns of every score, what is to be said of it, and the seconds that it took."""
    done: dict[str, str] = {}
    about: dict[str, dict[str, Any]] = {}
    seconds = {}
    part, filling = job, None
    if trained is not None and trained.part is not None:
        assert near is not None
        part = replace(job, usable=trained.part.watched)
        filling = Filling(job.opened, job.column(near), part.usable, job.usable)
    for name, method in wanted.methods.items():
        began = time.perf_counter()
        of_runs, options = set(method.needs) <= PER_RUN, wanted.options[name]
        given = part if of_runs else job
        rows, noted = judged(job.opened, method, given.usable)
        given = given if len(rows) == len(given.usable) else replace(given, usable=rows)
        recipe, values = scored(given, name, method, options)
        recipe |= noted
        about[name] = {}
        if of_runs and trained is not None:
            about[name] = _about(given, method, options, trained)
        if of_runs and filling is not None:
            recipe, values = recipe | {"extrapolated": filling.recipe}, filling.fill(values)
            values = {suffix: _only(array, noted, job) for suffix, array in values.items()}
            about[name]["extrapolated"] = len(filling.rows)
        if ".suspect" in values:
            about[name]["suspects"] = int(values[".suspect"].sum())
        if RANK in values:
            about[name]["most_suspect"] = most_suspect(job.opened, values[RANK])
        done |= write_scores(job.opened, name, recipe, values)
        seconds[name] = time.perf_counter() - began
    return done, about, seconds


def _only(values: Array, noted: Mapping[str, Any], job: ScoringJob) -> Array:
    """Return scores without those that were filled in for samples that have no label."""
    if noted and values.dtype.kind == "f":
        values = values.copy()
        values[job.opened.dataset.labels < 0] = np.nan
    return values


def most_suspect(opened: Opened, ranks: Array) -> list[str]:
    """Return the keys of the few samples whose labels are to be looked at first."""
    rows = np.flatnonzero((ranks >= 0) & (ranks < _SHOWN))
    keys = opened.dataset.samples["key"]
    return [keys[int(row)].as_py() for row in rows[np.argsort(ranks[rows])]]


_SHOWN = 5


def _about(
    job: ScoringJob, method: Scorer, options: Mapping[str, Any], trained: TrainedRuns
) -> dict[str, Any]:
    """Return how runs agree, and how far folds lie apart; see `agreement` and `fold_shift`."""
    about: dict[str, Any] = {}
    scores = [of_run(job, method, options, run) for run in job.runs]
    if trained.folds:
        shifts = [fold_shift(of, folds) for of, folds in zip(scores, trained.folds, strict=True)]
        known = [shift for shift in shifts if shift is not None]
        about["fold_shift"] = max(known) if len(known) == len(shifts) else None
    if len(scores) > 1:
        about |= agreement([values[job.usable] for values in scores])
    return about


def write_scores(
    opened: Opened, name: str, recipe: Mapping[str, Any], values: Mapping[str, Array]
) -> dict[str, str]:
    """Write score columns that share a recipe: `{"": scores, ".std": …}`."""
    published = {}
    for suffix, array in values.items():
        column = f"score.{name}{suffix}"
        writer = opened.store.write_column(column, {**recipe, "column": column}, rows=len(array))
        for part in writer.missing():
            writer.put(part, array[part.start : part.stop])
        writer.finish()
        published[column] = identity(writer.recipe)
    return published


def _inputs(
    opened: Opened, wanted: ScoreRequest, training: Training, on: str | None
) -> tuple[Column, dict[str, str]]:
    """What the proxy looks at: cached images, or an embedding that exists already."""
    settings = opened.settings
    if training.proxy == "linear":
        return _embedding(opened, wanted, on), {}
    column = cache_images(
        opened.store,
        opened.images,
        opened.dataset,
        training.size,
        workers=settings.workers,
        reporter=settings.reporter,
    )
    return column, {column.name: identity(column.recipe)}


def _embedding(opened: Opened, wanted: ScoreRequest, on: str | None) -> Column:
    for name, method in wanted.methods.items():
        if IMAGES in method.needs:
            raise OptionError(f"{name} looks at images, --proxy linear at an embedding", "leave --proxy out")
    has_own = any(name != FEATURES for name in embeddings_of(opened))
    if on == "proxy" or (on is None and not has_own):
        raise MissingColumnError(
            "--proxy linear needs an embedding to look at", "prune embed --encoder resnet18 DATA"
        )
    return opened.store.column(embedding_name(opened.store, on))


def scores_of(opened: Opened, columns: Mapping[str, str]) -> dict[str, Scores]:
    """Read the scores among some published columns, without their companions."""
    names = [c for c in columns if c.startswith("score.") and c.count(".") == 1]
    return {c.removeprefix("score."): opened.store.open_column(c, columns[c]).read() for c in names}
