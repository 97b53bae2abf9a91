"""The program on one page: embed, score, select, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from prune import exporting, report, selecting
from prune.candidates import directions
from prune.effort import Effort, training_words
from prune.errors import OptionError
from prune.methods import find, whole
from prune.opening import all_rejects, check_rejects, opened, reopened
from prune.progress import Clock
from prune.request import Request, checked_name, keys_in
from prune.selectors import SELECTORS
from prune.settings import DEFAULTS, Settings
from prune.store import (
    Store,
    identity,
    outdated_by,
    prefix,
    read_selection,
    require_current,
    settle_selection,
    write_selection,
)
from prune.store.layout import SELECTIONS
from prune.typed import typed
from prune.verifying import verify as verify

Result = dict[str, Any]


def embed(
    store: Store | str | Path = ".prune",
    data: str | None = None,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    features: str | None = None,
    dtype: str = "float16",
    settings: Settings = DEFAULTS,
) -> Result:
    """Encode every sample: one column `embedding.ENCODER`.

    Parameters
    ----------
    store, data
        Where results go; what to read (may be left out once the store knows it).
    encoder
        A torchvision model, `pixels` or `precomputed`; default `resnet18`, or `precomputed` with `features`.
    weights
        A file, `default` (downloads) or `random`; by default what is in torchvision's cache.
    features
        A .npy matrix matched by row, or a parquet file matched by key.
    dtype
        `float16` or `float32`.

    Returns
    -------
    dict
        n, column, shape, rejects.
    """
    from prune.embedding import Request as Encoding  # loads torch: only the verbs that need it
    from prune.embedding import embed_column

    command = typed("embed", locals(), settings)
    store, settings, clock = _begin(store, settings)
    with opened(store, data, settings) as ready:
        asked = Encoding(encoder=encoder, weights=weights, features=features, dtype=dtype)
        column = embed_column(ready, asked)
        rejects = {**ready.dataset.rejects, **column.rejects()}
        check_rejects(ready, rejects)
        finished = column.finish()
        store.publish(dataset=ready.fingerprint, columns={finished.name: identity(finished.recipe)})
        seconds = clock.stop()
        store.remember_timings("embed", seconds, command, [finished.name])
    return {
        "n": len(ready.dataset),
        "column": finished.name,
        "shape": list(finished.shape),
        "rejects": len(rejects),
        "skipped_shards": dict(ready.dataset.skipped),
        "seconds": seconds,
    }


def score(
    store: Store | str | Path = ".prune",
    data: str | None = None,
    *,
    types: Sequence[str] = (),
    training: Mapping[str, Any] | None = None,
    runs: int | None = None,
    until_stable: float | None = None,
    on_fraction: str | float | None = None,
    cross_fit: int | None = None,
    on: str | None = None,
    options: Sequence[str] = (),
    imports: str | None = None,
    high: str | None = None,
    checkpoint: Mapping[str, str | None] | None = None,
    settings: Settings = DEFAULTS,
) -> Result:
    """Give every sample one number a type: trains the proxy if its trace is missing, then does arithmetic.

    Parameters
    ----------
    store, data
        Where results go; what to read (may be left out once the store knows it).
    types
        Names of scorers; with `imports`, names of its columns (default: all).
    training, runs
        Fields of `prune.proxy.Training`; how many times, with other seeds. Scores are means over runs.
    until_stable
        Spearman correlation at which no more runs are added (of one run: no more epochs).
    on_fraction
        Part of the samples that is trained on and scored; the others get the mean of their neighbours.
    cross_fit
        Folds: every sample is scored by a proxy that did not train on it.
    on
        The embedding that the proxy `linear` looks at (default: the only one), and that samples are near in
        (default: the proxy's).
    options
        `NAME=VALUE` words for the scorers.
    imports
        A parquet or csv file with a `key` column, instead of a proxy.
    high
        What a high value of the imported columns means: `hard`, or `NAME=hard,…`.
    checkpoint
        A model of the user's instead of a proxy: `file`, `factory`, `mean`, `std`.

    Returns
    -------
    dict
        n, classes, rejects, embeddings, runs, epochs, stable, cost, and for each score its direction, its
        five-number summary and what is known of its noise.
    """
    from prune.importing import import_columns, require_alone, require_meanings  # load torch
    from prune.owned import Model, owned_scores, plan_of
    from prune.proxy import require_known
    from prune.scoring import Scored, Wanted, outdated, score_columns, scores_of
    from prune.supplies import FEATURES, require_space

    command = typed("score", locals(), settings)
    store, settings, clock = _begin(store, settings)
    types = [types] if isinstance(types, str) else types
    if not types and imports is None:
        raise OptionError("score wants --type", "prune score --type el2n DATA   # see: prune methods")
    effort = Effort.of(runs, until_stable, on_fraction, cross_fit)
    effort = replace(effort, training=training_words(training))
    wanted = Wanted.of(() if imports else types, options)
    require_meanings(high, imports)
    if imports is not None:
        require_alone(effort, training, checkpoint, options, on)
    plan, proxy = plan_of(training, settings.seed)
    require_known(plan.proxy)
    model = Model.of(**(checkpoint or {}))
    with opened(store, data, settings) as ready:
        if imports is not None:
            done = Scored(import_columns(ready, imports, types, high))
        else:
            require_space(ready, on)
            own = owned_scores(ready, wanted, plan, effort=effort, on=on, model=model, proxy=proxy)
            if proxy is not None:
                effort = replace(effort, training=(f"--proxy {proxy}", *effort.training))
            done = own or score_columns(ready, wanted, plan, effort=effort, on=on)
        scores = scores_of(ready, done.columns)
        gone = outdated(done.columns, store.columns_if_any)
        store.publish(dataset=ready.fingerprint, columns=done.columns, without=gone)
        rejects = all_rejects(store, ready.dataset)
        seconds = clock.stop()
        made = [name for name in done.columns if name == FEATURES or not name.startswith("embedding.")]
        store.remember_timings("score", seconds, command, made)
    return {
        "n": len(ready.dataset),
        "classes": len(ready.dataset.classes),
        "rejects": len(rejects),
        "skipped_shards": dict(ready.dataset.skipped),
        "embeddings": [name for name in store.columns if name.startswith("embedding.")],
        "scores": report.summaries(scores, directions(store), done.about),
        **done.facts,
        "seconds": seconds,
    }


def select(
    store: Store | str | Path = ".prune",
    *,
    name: str | None = None,
    dry_run: bool = False,
    options: Sequence[str] = (),
    settings: Settings = DEFAULTS,
    **asked: Any,
) -> Result:
    """Choose which samples to keep.

    Parameters
    ----------
    store
        Where the columns are, and where the selection goes.
    name
        Of the selection; default: the method.
    dry_run
        Say what it would need, and stop.
    options
        `NAME=VALUE` words for the method.
    asked
        `method`, `fraction` or `count`, `score`, `quota`, `drop_hardest`, `on`, `given`, `target`,
        `reweight`: see `Request`.

    Returns
    -------
    dict
        What `selection.json` says, and how the selection compares with random ones.
    """
    command = typed("select", {**asked, "name": name, "options": options}, settings)
    store, settings, clock = _begin(store, settings)
    method = find("selector", asked.get("method", "kcenter"), SELECTORS)
    if asked.get("count") is not None:
        asked["count"] = whole(asked["count"], "count")
    asked["given"] = keys_in(asked.get("given"))
    wanted = Request(**asked, options=method.parse(options), seed=settings.seed)
    name = checked_name(method.name if name is None else name)
    store.require()
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        ready = selecting.prepare(store, wanted, settings)
        if dry_run:
            return {"name": name, "plan": ready.forecast and asdict(ready.forecast)}
        table, about = selecting.run(ready)
        seconds = clock.stop()
        about["seconds"] = {**store.timings, "select": seconds}
        digest = write_selection(store, name, table, about)
        store.publish(selections={name: digest}, latest=name)
        settle_selection(store, name)
        read_selection(store, name)  # where locks do nothing, another command may have been there
        store.remember_timings("select", seconds, command, [f"{SELECTIONS}/{name}"])
    return {"name": name, **about}


def export(
    store: Store | str | Path = ".prune",
    *,
    format: str,
    out: str | Path | None = None,
    selection: str | None = None,
    fraction: str | float | None = None,
    rejected: bool = False,
    overwrite: bool = False,
    options: Sequence[str] = (),
    settings: Settings = DEFAULTS,
) -> Result:
    """Write the kept (or the rejected) samples as a smaller dataset.

    Parameters
    ----------
    store, selection
        Where the selection is, and its name; default: the latest.
    format
        `webdataset`, `huggingface`, `imagefolder`, `parquet` or `manifest`.
    out
        A folder that does not exist yet; default `pruned-FORMAT`.
    fraction
        Only the first samples taken, as many as this fraction of all; for selections that are nested.
    rejected
        Write the samples that were not selected instead.
    overwrite
        Replace an earlier export.
    options
        `NAME=VALUE` words for the format, such as `layout=repack` or `link=hard`.

    Returns
    -------
    dict
        out, samples, files, bytes, whether it was there already.
    """
    store, settings, clock = _begin(store, settings)
    whole = read_selection(store, selection)
    if selection is None:
        require_current(store, whole)
    elif column := outdated_by(store, whole):
        settings.reporter.say(f"{column} was made again since {selection!r} was chosen by it")
    chosen = whole if fraction is None else prefix(whole, fraction)
    reader, dataset = reopened(store, settings)
    job = exporting.job(store, reader, dataset, chosen, rejected=rejected, reporter=settings.reporter)
    target = Path(out) if out is not None else Path(f"{'rejected' if rejected else 'pruned'}-{format}")
    exporting.require_apart(store, target)
    wait = settings.reporter.say if settings.wait else None
    done = exporting.write(job, format, target, options, overwrite=overwrite, wait=wait)
    return {**done, "seconds": clock.stop()}


def _begin(store: Store | str | Path, settings: Settings) -> tuple[Store, Settings, Clock]:
    clock = Clock(settings.reporter)
    return store if isinstance(store, Store) else Store(store), replace(settings, reporter=clock), clock
