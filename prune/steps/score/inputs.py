"""Inputs of scorers: facts of a trace run by run, or once a space, labels and predictions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from prune.core.arrays import Array, Rows, Scores
from prune.core.column_name import (
    EMBEDDING,
    FEATURES,
    IMAGES,
    PROBS,
    STD,
    SUSPECT,
    SUSPECT_RANK,
    TRACE,
    ColumnName,
    of_kinds,
)
from prune.core.errors import MissingColumnError
from prune.core.label_doubt import doubt, suspect_ranks
from prune.core.lots import lots
from prune.core.method_rows import Scorer
from prune.proxy import FACTS, NETWORK_NEEDS, Trace
from prune.scorers.epochs import remark
from prune.steps.dataset_session import Opened
from prune.steps.neighbour_columns import NeighbourColumns
from prune.steps.score.pair_scores import CAPTIONS, PICTURES, pair_scores
from prune.steps.score.text_scores import text_scores
from prune.steps.space_columns import embedding_name, of_originals
from prune.steps.text_payloads import TEXTS
from prune.store import Column, identity

if TYPE_CHECKING:
    from prune.index.space import EmbeddingSpace

SPACE, LABELS = "space", "labels"
RIGHT = "right"
PER_RUN = frozenset({*FACTS, RIGHT, *NETWORK_NEEDS})  # needs that every run of a proxy meets with its own
TRAINED = PER_RUN | {PROBS}  # needs that a trained proxy meets
_KINDS = {need: column.kind for need, column in NETWORK_NEEDS.items()} | {IMAGES: IMAGES, PROBS: PROBS}


@dataclass(frozen=True)
class ScoringJob:
    """What all scores of a command share."""

    opened: Opened
    published: Mapping[str, str]  # columns that are finished, name -> identity
    runs: Sequence[int]  # proxies whose scores are averaged
    usable: Rows  # rows that get a score
    images: Column | None = None
    space: str | None = None  # the embedding that samples are compared in
    pair: tuple[str, ...] = ()  # the embeddings of images and of their captions
    run_scores: dict[tuple[str, int, str], Array] = field(default_factory=dict)

    def column(self, name: str) -> Column:
        """Return a finished column, published or not yet."""
        return self.opened.store.open_column(name, self.published[name])


def scored(
    job: ScoringJob, name: str, method: Scorer, options: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return a score's recipe, and its columns `{"": mean, "std": …}` by companion, each (n,)."""
    recipe = _recipe(job, name, method, options)
    if TEXTS in method.needs:
        column = ColumnName.score(name)
        writer = job.opened.store.write_column(
            column, {**recipe, "column": column}, rows=len(job.opened.dataset)
        )
        values = {"": text_scores(job.opened, method, options, job.usable, writer)}
    elif CAPTIONS in method.needs:
        pictures, captions = map(job.column, job.pair)
        values = {"": pair_scores(pictures, captions, method, options)}
    elif method.rowwise:
        values = _of_images(job, method, options)
    elif set(method.needs) <= PER_RUN:
        values = _of_runs(job, name, method, options)
    else:
        values = {"": _known(job, name, recipe, lambda: of_features(job, method, options))}
    unusable = np.setdiff1d(np.arange(len(job.opened.dataset)), job.usable)
    for array in values.values():
        array[unusable] = {"f": np.nan, "i": -1}.get(array.dtype.kind, 0)
    return recipe, values


def of_run(job: ScoringJob, method: Scorer, options: Mapping[str, Any], run: int) -> Array:
    """Return what a scorer of training dynamics says about run `run`, (n,); computed once."""
    asked = (method.name, run, repr(sorted(options.items())))
    if asked not in job.run_scores:
        job.run_scores[asked] = method.function(*facts_of(job, method, run), **options)
    return job.run_scores[asked]


def of_features(job: ScoringJob, method: Scorer, options: Mapping[str, Any]) -> Array:
    """Return what a scorer of features or predictions says, (n,); NaN where a sample has none."""
    from prune.system.executors.threads import steady

    rows, dataset = job.usable, job.opened.dataset
    if job.space == FEATURES:  # of samples that the proxy could not look at, it has none
        rows = rows[np.isfinite(job.column(FEATURES).read()[rows]).all(axis=1)]
    labels = dataset.labels[rows]
    readers: dict[str, Callable[[], Any]] = {
        SPACE: lambda: _space(job, rows),
        LABELS: lambda: labels,
        PROBS: lambda: of_originals(job.column(PROBS), dataset)[rows],
    }
    known = {"seed": job.opened.settings.seed, "classes": len(np.unique(labels[labels >= 0]))}
    scores = np.full(len(dataset), np.nan, np.float32)
    with steady() if SPACE in method.needs else nullcontext():
        given = {supplied: known[supplied] for supplied in method.supplied}
        scores[rows] = method.function(*(readers[need]() for need in method.needs), **given, **options)
    return scores


def _known(job: ScoringJob, name: str, recipe: Mapping[str, Any], compute: Callable[[], Array]) -> Array:
    """Return the score where it is finished already; neighbours take minutes to find."""
    column = ColumnName.score(name)
    writer = job.opened.store.write_column(column, {**recipe, "column": column}, rows=len(job.opened.dataset))
    return np.array(writer.finish().read()) if writer.finished else compute()


def _of_images(job: ScoringJob, method: Scorer, options: Mapping[str, Any]) -> dict[str, Array]:
    assert job.images is not None
    return {"": np.concatenate([method.function(block, **options) for _, block in job.images.blocks()])}


def _of_runs(job: ScoringJob, name: str, method: Scorer, options: Mapping[str, Any]) -> dict[str, Array]:
    scores = np.stack([of_run(job, method, options, run) for run in job.runs]).astype(np.float64)
    values = {"": scores.mean(0).astype(np.float32)}
    if len(job.runs) > 1:
        values[STD] = scores.std(0, ddof=1).astype(np.float32)
    for companion, flag in method.flags.items():
        flags = [flag(*facts_of(job, method, run), **options) for run in job.runs]
        values[companion] = np.all(flags, axis=0)
    if method.tells_labels:
        values[SUSPECT_RANK] = _ranks(job, method, values[""])
    if method.suspects:
        values[SUSPECT] = _suspects(job, name, method, values[""])
    return values


def _suspects(job: ScoringJob, name: str, method: Scorer, scores: Scores) -> Array:
    """Mark the labels that the score doubts, and say how many."""
    marked = np.zeros(len(scores), bool)
    told, beyond = scores[job.usable], method.loses_beyond
    doubted = doubt(told, method.high, loses_beyond=beyond, probability=method.probability)
    marked[job.usable] = doubted.mask
    share = f"doubts {doubted.mask.sum():,} of {len(job.usable):,} labels"
    said = share if doubted.mask.any() else "marks no label, though some may be wrong"
    job.opened.settings.reporter.say(f"{ColumnName.score(name, SUSPECT)}: {name} {said}; {doubted.rule}")
    return marked


def _ranks(job: ScoringJob, method: Scorer, scores: Scores) -> Array:
    """Order the labels of the usable samples; equal scores by a hash of the key, for rows lie by class."""
    unlabelled = job.opened.dataset.labels < 0
    known = np.full(len(scores), np.nan, np.float32)
    known[job.usable] = scores[job.usable]
    known[unlabelled] = np.nan
    keys = job.opened.dataset.samples["key"]
    return suspect_ranks(known, method.high, lambda: lots(keys.to_pylist(), "suspects"))


def facts_of(job: ScoringJob, method: Scorer, run: int | str) -> list[Array]:
    """Return what a scorer of training dynamics needs of a run, or of `RUN.FOLD`, in its order."""

    @functools.cache
    def trace() -> Trace:
        return Trace(job.column(ColumnName.trace(run)))

    def fact(need: str) -> Array:
        if need in NETWORK_NEEDS:
            return job.column(ColumnName.of_run(_KINDS[need], run)).read()
        if need != RIGHT:
            return trace().fact(need)
        margin = trace().fact("margin")  # where it is not known, nor is whether the sample was right
        return np.where(np.isnan(margin), margin, margin > 0)

    return [fact(need) for need in method.needs]


def _space(job: ScoringJob, rows: Rows) -> EmbeddingSpace:
    from prune.index.space import EmbeddingSpace

    assert job.space is not None
    store, settings, column = job.opened.store, job.opened.settings, job.column(job.space)
    place: Mapping[str, Any] = {"device": settings.torch_device, "memory": settings.memory_limit}
    space = EmbeddingSpace(of_originals(column, job.opened.dataset), rows=rows, **place)
    shown = store.state["columns"] if store.holds_dataset(job.opened.fingerprint) else {}
    if len(rows) == len(column) and shown.get(job.space) == job.published[job.space]:
        space.keeper = NeighbourColumns(store, column, job.opened.fingerprint, settings.reporter)
    return space


def _recipe(job: ScoringJob, name: str, method: Scorer, options: Mapping[str, Any]) -> dict[str, Any]:
    needs = set(method.needs)
    kinds = {_KINDS.get(need, TRACE) for need in needs - {SPACE, LABELS, TEXTS, PICTURES, CAPTIONS}}
    published = sorted(job.published)
    sources: dict[str, str] = {c: job.published[c] for c in of_kinds(published, *kinds)}
    if SPACE in needs:
        assert job.space is not None
        sources[job.space] = job.published[job.space]
    if CAPTIONS in needs:
        sources |= {column: job.published[column] for column in job.pair}
    recipe: dict[str, Any] = {
        "method": name,
        "options": {**method.options, **options},
        "high": method.high,
        "runs": len(job.runs) if needs <= PER_RUN else 1,
        "from": sources,
        "dataset": job.opened.fingerprint,
        "version": method.version,
    }
    return recipe | ({"seed": job.opened.settings.seed} if "seed" in method.supplied else {})


def space_of(opened: Opened, needs: Collection[str], on: str | None) -> str | None:
    """Return the embedding that samples are compared in; None if no scorer compares any.

    By default the only embedding that `embed` wrote, else the features of a proxy, trained or not yet.

    Raises
    ------
    OptionError
        Several embeddings, and none named.
    MissingColumnError
        There is no such embedding.
    """
    if SPACE not in needs:
        return None
    own = [name for name in embeddings_of(opened) if name != FEATURES]
    if on in {"proxy", FEATURES} or (on is None and not own):
        return FEATURES
    if not embeddings_of(opened):
        raise MissingColumnError(f"there is no embedding {on!r}", "prune embed DATA")
    return embedding_name(opened.store, on)


def require_space(opened: Opened, on: str | None) -> None:
    """Refuse the name of an embedding that there is none of, also where no score looks at it."""
    if on is not None:
        space_of(opened, {SPACE}, on)


def embeddings_of(opened: Opened) -> list[str]:
    """Return the embeddings of this very dataset that are finished."""
    if not opened.store.holds_dataset(opened.fingerprint):
        return []
    return list(of_kinds(opened.store.columns, EMBEDDING))


def is_there(opened: Opened, space: str | None) -> bool:
    """Whether an embedding is finished already, so that no proxy has to be trained for it.

    One of a proxy's that is damaged is not there: the training that it comes from makes it again.
    """
    if space not in embeddings_of(opened):
        return False
    recipe = opened.store.recipe_of(FEATURES) if space == FEATURES else None
    if space != FEATURES or (recipe is not None and "trace" not in recipe):
        return True
    n = len(opened.dataset)
    return recipe is not None and opened.store.write_column(FEATURES, recipe, rows=n).finished


def present(opened: Opened, name: str) -> dict[str, str]:
    """Return a finished column with its identity."""
    return {name: identity(opened.store.column(name).recipe)}


def rehearse(method: Scorer, options: Mapping[str, Any], epochs: int) -> str:
    """Try a scorer on one sample of a trace of so many epochs; return what the user should know about it.

    Raises
    ------
    OptionError
        The trace will not have the epochs that the options ask for: better said before training than after.
    """
    if not set(method.needs) <= set(FACTS) | {RIGHT}:
        return ""
    one = np.zeros((epochs, 1), np.float32)
    method.function(*(one for _ in method.needs), **options)
    return remark(method, {**method.options, **options}, epochs)
