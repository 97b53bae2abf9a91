"""From facts to score columns, wherever the facts come from: what is computed, said of it and written."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import LATER, MEASURED, SUSPECT, SUSPECT_RANK, ColumnName
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
from prune.steps.score.later_samples import LaterSamples, by_control, by_neighbours
from prune.steps.score.proxy_runs import TrainedRuns
from prune.steps.score.request import ScoreRequest
from prune.steps.score.unlabelled import judged
from prune.store import Column, identity


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
    looked, fillings = job, _Fillings(job, near)
    if trained is not None and trained.part is not None:
        looked = replace(job, usable=trained.part.watched)
    for name, method in wanted.methods.items():
        began = time.perf_counter()
        of_runs, options = set(method.needs) <= PER_RUN, wanted.options[name]
        given = looked if of_runs else job
        later = trained.later if of_runs and trained is not None else None
        lacking = _lacking(given, method, options, later)
        given = given if not len(lacking) else replace(given, usable=np.setdiff1d(given.usable, lacking))
        filled = of_runs and len(given.usable) < len(job.usable)
        scored_rows = given.usable
        rows, noted = judged(job.opened, method, given.usable)
        given = given if len(rows) == len(given.usable) else replace(given, usable=rows)
        recipe, values = scored(given, name, method, options)
        recipe |= noted
        about[name] = {}
        if of_runs:
            about[name] = _about(given, method, options, trained.folds if trained else ())
        if filled:
            filling = fillings.of(scored_rows)
            recipe, values = recipe | {"extrapolated": filling.recipe}, filling.fill(values)
            values = {companion: _only(array, noted, job) for companion, array in values.items()}
            about[name]["extrapolated"] = len(filling.rows)
        if later is not None:
            told, more = _of_later(given, method, options, later, values, fillings)
            about[name], values = about[name] | told, values | more
            recipe |= {name: told[name] for name in ("later", "trained_on") if name in told}
        if SUSPECT in values:
            about[name]["suspects"] = int(values[SUSPECT].sum())
        if SUSPECT_RANK in values:
            about[name]["most_suspect"] = most_suspect(job.opened, values[SUSPECT_RANK])
        done |= write_scores(job.opened, name, recipe, values, about[name].get("measured"))
        seconds[name] = time.perf_counter() - began
    return done, about, seconds


class _Fillings:
    """The neighbours of samples that have no score, looked for once for all scores that lack the same."""

    def __init__(self, job: ScoringJob, near: str | None) -> None:
        self._job, self._near = job, near
        self._known: dict[bytes, Filling] = {}

    @property
    def space(self) -> Column:
        """What they are near in."""
        assert self._near is not None
        return self._job.column(self._near)

    def of(self, rows: Rows) -> Filling:
        """Return what fills in scores where these rows have one."""
        if rows.tobytes() not in self._known:
            self._known[rows.tobytes()] = Filling(self._job.opened, self.space, rows, self._job.usable)
        return self._known[rows.tobytes()]


def _lacking(job: ScoringJob, method: Scorer, options: Mapping[str, Any], later: LaterSamples | None) -> Rows:
    """Return the samples that came later of which the proxy left nothing to compute a score from."""
    if later is None:
        return np.zeros(0, np.int64)
    return later.rows[np.isnan(of_run(job, method, options, job.runs[0])[later.rows])]


def _of_later(
    job: ScoringJob,
    method: Scorer,
    options: Mapping[str, Any],
    later: LaterSamples,
    values: Mapping[str, Array],
    fillings: _Fillings,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what is to be said of samples that came later, and the companion that flags them."""
    looked_at = np.intersect1d(later.rows, job.usable)
    if not len(looked_at):
        seed, own = job.opened.settings.seed, of_run(job, method, options, job.runs[0])
        return {"measured": by_neighbours(job.opened, fillings.space, job.usable, own, seed)}, {}
    flags = np.zeros(len(values[""]), bool)
    flags[looked_at] = True
    told: dict[str, Any] = {"later": len(looked_at)}
    if learnt := len(np.intersect1d(looked_at, later.learnt)):
        told["trained_on"] = learnt
    if later.control is not None:
        told["measured"] = by_control(job, method, options, later.control)
    return told, {LATER: flags}


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
    opened: Opened,
    name: str,
    recipe: Mapping[str, Any],
    values: Mapping[str, Array],
    measured: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Write score columns that share a recipe: `{"": scores, "std": …}`; attach what was measured of them."""
    published: dict[str, str] = {}
    for companion, array in values.items():
        column = ColumnName.score(name, companion)
        writer = opened.store.write_column(column, {**recipe, "column": column}, rows=len(array))
        for part in writer.missing():
            writer.put(part, array[part.start : part.stop])
        if measured is not None and not companion and writer.attachment(MEASURED, 0) is None:
            writer.attach(MEASURED, 0, json.dumps(measured, sort_keys=True).encode(), "json")
        writer.finish()
        published[column] = identity(writer.recipe)
    return published
