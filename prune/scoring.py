"""From names of scores to columns: what each needs is computed once, then every score is arithmetic."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.arrays import Array, Scores
from prune.errors import DataError, MissingColumnError, OptionError
from prune.methods import Method, find
from prune.opening import Opened, check_rejects
from prune.proxy import FACTS, Trace, Training, cache_images, grad_norms, run_proxy
from prune.scorers import SCORERS
from prune.spaces import embedding_name
from prune.store import Column, identity

_IMAGES, _GRADIENT, _RIGHT = "images", "gradient", "right"


@dataclass(frozen=True)
class Wanted:
    """Scores to compute, with the options of each."""

    methods: Mapping[str, Method]
    options: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, types: Sequence[str], settings: Sequence[str]) -> Wanted:
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
    def needs_labels(self) -> bool:
        """Whether a proxy has to be trained."""
        return bool(self.needs - {_IMAGES})


def score_columns(
    opened: Opened, wanted: Wanted, training: Training, *, runs: int, on: str | None
) -> dict[str, str]:
    """Compute scores and all that they need; return the columns to publish, name -> identity."""
    inputs, published = _inputs(opened, wanted, training, on)
    rejects = {**opened.dataset.rejects, **inputs.rejects}
    check_rejects(opened, rejects)
    usable = np.setdiff1d(np.arange(len(opened.dataset)), np.array(sorted(rejects), np.int64))
    if wanted.needs_labels:
        _require_labels(opened, wanted, usable)
        published |= _proxies(opened, wanted, inputs, training, runs)
    unusable = np.setdiff1d(np.arange(len(opened.dataset)), usable)
    job = _Job(opened, inputs, published, runs, unusable)
    scored = [_score(job, name, method, wanted.options[name]) for name, method in wanted.methods.items()]
    for columns in scored:
        published |= columns
    return published


def outdated(columns: Mapping[str, str], shown: Sequence[str]) -> set[str]:
    """Return columns that are shown but belong to an earlier run of what was just computed.

    Companions of a score that it has no longer, and traces beyond the number of runs.
    """
    scores = {name for name in columns if name.startswith("score.") and name.count(".") == 1}
    old = {name for name in shown if name.rpartition(".")[0] in scores}
    if any(name.startswith("trace.") for name in columns):
        old |= {name for name in shown if name.startswith(("trace.", "grad_norm."))}
    return old - set(columns)


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
    opened: Opened, wanted: Wanted, training: Training, on: str | None
) -> tuple[Column, dict[str, str]]:
    """What the proxy looks at: cached images, or an embedding that exists already."""
    settings = opened.settings
    if training.proxy == "linear":
        return _embedding(opened, wanted, on), {}
    column = cache_images(
        opened.store,
        opened.reader,
        opened.dataset,
        training.size,
        workers=settings.workers,
        reporter=settings.reporter,
    )
    return column, {column.name: identity(column.recipe)}


def _embedding(opened: Opened, wanted: Wanted, on: str | None) -> Column:
    for name, method in wanted.methods.items():
        if _IMAGES in method.needs:
            raise OptionError(f"{name} looks at images, --proxy linear at an embedding", "leave --proxy out")
    has_own = any(c.startswith("embedding.") and c != "embedding.proxy" for c in opened.store.columns_if_any)
    if on == "proxy" or (on is None and not has_own):
        raise MissingColumnError(
            "--proxy linear needs an embedding to look at", "prune embed --encoder resnet18 DATA"
        )
    return opened.store.column(embedding_name(opened.store, on))


def _require_labels(opened: Opened, wanted: Wanted, usable: Array) -> None:
    labels = opened.dataset.labels[usable]
    missing = int((labels < 0).sum())
    names = ", ".join(name for name, method in wanted.methods.items() if set(method.needs) - {_IMAGES})
    if missing:
        have = "none has one" if missing == len(labels) else f"{missing} of {len(labels)} samples have none"
        hint = "prune embed works without labels; so does prune score --type input_norm"
        raise DataError(f"{names} needs labels, and {have}", hint)
    if len(np.unique(labels)) == 1:
        opened.settings.reporter.say(f"there is one class only: {names} cannot tell samples apart")


def _proxies(opened: Opened, wanted: Wanted, inputs: Column, training: Training, runs: int) -> dict[str, str]:
    published: dict[str, str] = {}
    settings = opened.settings
    device = settings.torch_device
    for run in range(runs):
        ready = (opened.store, opened.dataset, inputs, training, run)
        published |= run_proxy(*ready, device=device, reporter=settings.reporter)
        if _GRADIENT in wanted.needs:
            published |= grad_norms(*ready, device=device, reporter=settings.reporter)
    return published


@dataclass(frozen=True)
class _Job:
    """What all scores of a command share."""

    opened: Opened
    inputs: Column
    published: Mapping[str, str]  # columns that are finished, name -> identity
    runs: int
    unusable: Array  # rows that get no score


def _score(job: _Job, name: str, method: Method, options: Mapping[str, Any]) -> dict[str, str]:
    kinds = {_SOURCES.get(need, "trace.") for need in method.needs}
    recipe = {
        "method": name,
        "options": {**method.options, **options},
        "high": method.high,
        "runs": job.runs,
        "from": {c: i for c, i in sorted(job.published.items()) if c.startswith(tuple(kinds))},
        "dataset": job.opened.fingerprint,
        "version": 1,
    }
    values = _of_images(job, method, options) if method.rowwise else _of_runs(job, name, method, options)
    for array in values.values():
        array[job.unusable] = np.nan if array.dtype.kind == "f" else 0
    return write_scores(job.opened, name, recipe, values)


def _of_images(job: _Job, method: Method, options: Mapping[str, Any]) -> dict[str, Array]:
    return {"": np.concatenate([method.function(block, **options) for _, block in job.inputs.blocks()])}


def _of_runs(job: _Job, name: str, method: Method, options: Mapping[str, Any]) -> dict[str, Array]:
    arguments = [_arguments(job, method, run) for run in range(job.runs)]
    scores = np.stack([method.function(*args, **options) for args in arguments]).astype(np.float64)
    values = {"": scores.mean(0).astype(np.float32)}
    if job.runs > 1:
        values[".std"] = scores.std(0, ddof=1).astype(np.float32)
    if method.flag is not None:
        values[_FLAGS[name]] = np.all([method.flag(*args) for args in arguments], axis=0)
    return values


_FLAGS = {"forgetting": ".never"}  # suffix of the column that the method's flag fills
_SOURCES = {_IMAGES: "images.", _GRADIENT: "grad_norm."}  # other needs are facts of a trace


def _arguments(job: _Job, method: Method, run: int) -> list[Array]:
    def column(name: str) -> Column:
        return job.opened.store.open_column(name, job.published[name])

    @functools.cache
    def trace() -> Trace:
        return Trace(column(f"trace.{run}"))

    readers: dict[str, Callable[[], Array]] = {
        _GRADIENT: lambda: column(f"grad_norm.{run}").read(),
        _RIGHT: lambda: trace().right,
    }
    for fact in FACTS:
        readers[fact] = lambda fact=fact: trace().fact(fact)  # type: ignore[misc]
    return [readers[need]() for need in method.needs]


def scores_of(opened: Opened, columns: Mapping[str, str]) -> dict[str, Scores]:
    """Read the scores among some published columns, without their companions."""
    names = [c for c in columns if c.startswith("score.") and c.count(".") == 1]
    return {c.removeprefix("score."): opened.store.open_column(c, columns[c]).read() for c in names}
