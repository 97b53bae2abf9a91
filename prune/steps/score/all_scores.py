"""From facts to score columns, wherever the facts come from: what is computed, said of it and written."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import SUSPECT, SUSPECT_RANK, ColumnName
from prune.core.method_rows import Scorer
from prune.steps.dataset_session import Opened
from prune.steps.report.agreement import agreement, fold_shift
from prune.steps.score.imputation import Filling
from prune.steps.score.inputs import (
    PER_RUN,
    ScoringJob,
    of_run,
    scored,
)
from prune.steps.score.proxy_runs import TrainedRuns
from prune.steps.score.request import ScoreRequest
from prune.steps.score.unlabelled import judged
from prune.store import identity


def all_scores(
    job: ScoringJob, wanted: ScoreRequest, trained: TrainedRuns | None = None, near: str | None = None
) -> tuple[dict[str, str], dict[str, dict[str, Any]], dict[str, float]]:
    """Return the columns of every score, what is to be said of it, and the seconds that it took.

    Parameters
    ----------
    trained
        The proxies that the facts come from; None where they come from elsewhere.
    near
        The space whose neighbours give scores to samples that no proxy looked at.
    """
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
        if of_runs:
            about[name] = _about(given, method, options, trained.folds if trained else ())
        if of_runs and filling is not None:
            recipe, values = recipe | {"extrapolated": filling.recipe}, filling.fill(values)
            values = {companion: _only(array, noted, job) for companion, array in values.items()}
            about[name]["extrapolated"] = len(filling.rows)
        if SUSPECT in values:
            about[name]["suspects"] = int(values[SUSPECT].sum())
        if SUSPECT_RANK in values:
            about[name]["most_suspect"] = most_suspect(job.opened, values[SUSPECT_RANK])
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
    job: ScoringJob, method: Scorer, options: Mapping[str, Any], folds: Sequence[Sequence[Rows]]
) -> dict[str, Any]:
    """Return how runs agree, and how far folds lie apart; see `agreement` and `fold_shift`."""
    about: dict[str, Any] = {}
    scores = [of_run(job, method, options, run) for run in job.runs]
    if folds:
        shifts = [fold_shift(of, rows) for of, rows in zip(scores, folds, strict=True)]
        known = [shift for shift in shifts if shift is not None]
        about["fold_shift"] = max(known) if len(known) == len(shifts) else None
    if len(scores) > 1:
        about |= agreement([values[job.usable] for values in scores])
    return about


def write_scores(
    opened: Opened, name: str, recipe: Mapping[str, Any], values: Mapping[str, Array]
) -> dict[str, str]:
    """Write score columns that share a recipe: `{"": scores, "std": …}`."""
    published: dict[str, str] = {}
    for companion, array in values.items():
        column = ColumnName.score(name, companion)
        writer = opened.store.write_column(column, {**recipe, "column": column}, rows=len(array))
        for part in writer.missing():
            writer.put(part, array[part.start : part.stop])
        writer.finish()
        published[column] = identity(writer.recipe)
    return published
