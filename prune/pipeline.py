"""The program on one page: embed, score, select, export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prune.core.methods import Options, words
from prune.core.progress import Clock
from prune.steps.check.run import check as check
from prune.steps.command_line import command_line
from prune.steps.evaluate.chosen import as_evaluated
from prune.steps.evaluate.run import evaluate as evaluate
from prune.steps.explain.diff import diff as diff
from prune.steps.explain.suspects import suspects as suspects
from prune.steps.explain.why import why as why
from prune.steps.export import ExportRequest
from prune.steps.export import export as write_export
from prune.steps.gc import gc as gc
from prune.steps.keywords import named
from prune.steps.plan.run import plan as plan
from prune.steps.plan.saved import note_taken
from prune.steps.recipe.run import recipe as recipe
from prune.steps.recipe.run import run as run
from prune.steps.recipe.run import runs
from prune.steps.recovery import advised
from prune.steps.report.page.write import report as report
from prune.steps.select.parameters import request_of
from prune.steps.select.request import checked_name
from prune.steps.select.run import select as write_selection
from prune.steps.settings import DEFAULTS, Settings
from prune.steps.verify import verify as verify
from prune.store import Store

Result = dict[str, Any]


@named
@advised
def embed(
    store: Store | str | Path = ".prune",
    data: str | None = None,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    features: str | None = None,
    dtype: str | None = None,
    settings: Settings = DEFAULTS,
) -> Result:
    """Encode every sample: one column `embedding.ENCODER`.

    Parameters
    ----------
    store, data
        Where results go; what to read (may be left out once the store knows it).
    encoder
        Of images a torchvision model (default `resnet18`), `timm:NAME`, `clip:NAME` or `pixels`, of texts
        `ngrams` (the default), `sentence` or `static`; `precomputed`, the default with `features`.
    weights
        A file, `default` (downloads) or `random`; by default what is in torchvision's cache. Of texts a
        folder, or the name of a model of sentences on the hub.
    features
        A .npy matrix matched by row, a parquet file matched by key, or a folder of clip-retrieval.
    dtype
        `float16` or `float32`.

    Returns
    -------
    dict
        n, dataset (format, split, what was passed over), column, shape, rejects; of texts `cut`, the longer.
    """
    command = command_line("embed", locals(), settings)
    from prune.steps.embed import embed
    from prune.steps.embedding_column import EmbedRequest  # loads torch: only the verbs that need it

    store, settings, clock = _begin(store, settings)
    asked = EmbedRequest(encoder=encoder, weights=weights, features=features, dtype=dtype)
    return embed(store, data, asked, command=command, settings=settings, clock=clock)


@named
@advised
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
    options: Options = (),
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
        Of the scorers: a mapping, or `NAME=VALUE` words.
    imports
        A parquet or csv file with a `key` column, instead of a proxy.
    high
        What a high value of the imported columns means: `hard`, or `NAME=hard,…`.
    checkpoint
        A model of the user's instead of a proxy: `file`, `factory`, `mean`, `std`.

    Returns
    -------
    dict
        n, dataset, classes, rejects, embeddings, runs, epochs, stable, cost, and for each score its
        direction, its five-number summary and what is known of its noise.
    """
    called = {**locals(), "options": words(options)}
    from prune.steps.score.request import ScoreRequest
    from prune.steps.score.run import ScoreWrite, score  # load torch

    store, settings, clock = _begin(store, settings)
    wanted = ScoreRequest.of(
        [types] if isinstance(types, str) else types,
        words(options),
        training=training,
        runs=runs,
        until_stable=until_stable,
        on_fraction=on_fraction,
        cross_fit=cross_fit,
        on=on,
        imports=imports,
        high=high,
        checkpoint=checkpoint,
        seed=settings.seed,
    )
    run = ScoreWrite(store=store, data=data, given=called, settings=settings, clock=clock)
    return score(run, wanted)


@named
@advised
def select(
    store: Store | str | Path = ".prune",
    *,
    method: str = "kcenter",
    fraction: str | float | None = None,
    count: int | None = None,
    score: str | None = None,
    quota: str | None = None,
    quota_floor: int = 0,
    quota_cap: int | None = None,
    quota_errors: str | None = None,
    by: str | None = None,
    where: str | None = None,
    drop_hardest: str | float | None = None,
    drop_by: str | None = None,
    on: str | None = None,
    given: str | Path | Sequence[str] | None = None,
    replace: bool | None = None,
    target: str | None = None,
    target_split: str | None = None,
    target_weights: str | None = None,
    reweight: str | None = None,
    partitions: int | None = None,
    within: str | None = None,
    drop_suspects: str | Path | Sequence[str] | None = None,
    drop_leaks: str | Sequence[str] = (),
    drop_duplicates: bool | None = None,
    name: str | None = None,
    dry_run: bool = False,
    options: Options = (),
    settings: Settings = DEFAULTS,
) -> Result:
    """Choose which samples to keep.

    Parameters
    ----------
    store, method, fraction, count, score
        Where the columns are and the selection goes; how to choose (`auto`: as evaluated); how much is kept
        (one of the two); which score, if one is used.
    quota, quota_floor, quota_cap, quota_errors
        Split over classes: `none`, `proportional`, `equal` or `drop`, which may read errors of classes from
        a file; samples that a class keeps at least and at most.
    by, where, drop_hardest, drop_by
        Columns to split over instead of classes, `label,site`; a condition in SQL that samples have to meet;
        the fraction to leave out first, or `auto`; the score that says which are hardest.
    on, given, replace
        An embedding, `proxy` or `gradients`; what is chosen already: keys, a file of them, or a selection;
        whether others may take the place of what that kept.
    target, target_split, target_weights, reweight, partitions
        What to match: a dataset, another store or a .npy of features; how much each of its samples counts;
        weights: `cluster`, `nnls` or `none`; how many parts are chosen in, and then among what these kept.
    within, drop_suspects, drop_leaks, drop_duplicates
        An earlier selection, of which to choose; `auto`, keys, or what `suspects` wrote, less what was taken
        out; held-out datasets, of which no sample or copy is chosen; whether copies of others are left out.
    name, dry_run, options
        Of it (default: the method); say what it would need, and stop; of the method: mapping or `NAME=VALUE`.

    Returns
    -------
    dict
        What `selection.json` says, and how it compares with random selections.
    """
    asked = {key: value for key, value in locals().items() if key not in {"store", "dry_run", "settings"}}
    asked["options"] = words(options)
    asked["drop_leaks"] = (drop_leaks,) if isinstance(drop_leaks, str) else tuple(drop_leaks)
    store = store if isinstance(store, Store) else Store(store)
    *before, asked = as_evaluated(store, asked, settings.reporter)  # of `auto`, what was chosen
    for part in before:  # where that is a chain: a selection each, within the one before
        made = select(store, **part, dry_run=dry_run, settings=settings)
        if dry_run and not made["unchanged"]:
            return {**made, "name": asked["name"]}
    command = command_line("select", asked, settings)
    store, settings, clock = _begin(store, settings)
    name = asked.pop("name")
    wanted = request_of(store, asked, settings.seed)
    name = checked_name(wanted.method if name is None else name)
    how: dict[str, Any] = {"dry_run": dry_run, "command": command, "settings": settings, "clock": clock}
    return write_selection(store, name, wanted, **how)


@named
@advised
def export(
    store: Store | str | Path = ".prune",
    *,
    format: str,
    out: str | Path | None = None,
    selection: str | None = None,
    fraction: str | float | None = None,
    rejected: bool = False,
    overwrite: bool = False,
    card: bool = False,
    push: str | None = None,
    options: Options = (),
    settings: Settings = DEFAULTS,
) -> Result:
    """Write the kept (or the rejected) samples as a smaller dataset.

    Parameters
    ----------
    store, selection
        Where the selection is, and its name; default: the latest.
    format, out
        `webdataset`, `parquet`, `manifest` and others; `schedule`, rows for each epoch, of everything
        unless a selection is named. A folder that does not exist yet; default `pruned-FORMAT`.
    fraction
        Only the first samples taken, as many as this fraction of all; for selections that are nested. Of a
        schedule: how many of all samples an epoch has.
    rejected, overwrite, card, push
        Write the samples that were not selected instead; replace an earlier export; write a `README.md` that
        says how it was chosen; send all to `USER/NAME` of the Hugging Face hub.
    options
        Of the format, such as `{"layout": "repack"}` or `{"link": "hard"}`; or `NAME=VALUE` words.

    Returns
    -------
    dict
        out, samples, files, bytes, whether it was there already; what was pushed where.
    """
    store, settings, clock = _begin(store, settings)
    wanted = ExportRequest(
        format=format,
        out=out,
        selection=selection,
        fraction=fraction,
        rejected=rejected,
        overwrite=overwrite,
        card=card,
        push=push,
        options=words(options),
    )
    return note_taken(store, "export", {**write_export(store, wanted, settings), "seconds": clock.stop()})


def _begin(store: Store | str | Path, settings: Settings) -> tuple[Store, Settings, Clock]:
    clock = Clock(settings.reporter)
    return store if isinstance(store, Store) else Store(store), replace(settings, reporter=clock), clock


runs(embed, score, select, evaluate, check, export, report)  # what `run` calls for the sections of a file
