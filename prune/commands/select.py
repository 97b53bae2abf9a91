"""`prune select`: which samples to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, noting
from prune.commands.run_settings import run_settings
from prune.commands.select_report import summary
from prune.core import method_names


def select(
    method: Annotated[
        str,
        o.option(
            "NAME",
            "How to choose; see `prune methods selectors`. auto: as prune evaluate --choose found.",
            o.KEEP,
            complete=c.choices((*method_names.SELECTORS, "auto")),
        ),
    ] = "kcenter",
    fraction: Annotated[str | None, o.option("F", "Fraction kept, over 0 and at most 1.", o.KEEP)] = None,
    count: Annotated[int | None, o.option("K", "Number kept, instead of a fraction.", o.KEEP)] = None,
    score: Annotated[
        str | None, o.option("NAME", "Which score, for methods that use one.", o.KEEP, complete=c.scores)
    ] = None,
    on: Annotated[
        str | None,
        o.option(
            "NAME",
            "An embedding, proxy or gradients; default: the embedding there is.",
            o.KEEP,
            complete=c.spaces,
        ),
    ] = None,
    set_: o.Set = None,
    drop_hardest: Annotated[
        str | None,
        o.option(
            "B|auto",
            "First leave out this fraction, the hardest; auto: as the score tells.",
            o.KEEP,
            complete=c.choices(("auto",)),
        ),
    ] = None,
    drop_by: Annotated[
        str | None,
        o.option(
            "NAME",
            "The score that says which are hardest; default: that of --score.",
            o.KEEP,
            complete=c.scores,
        ),
    ] = None,
    given: Annotated[
        str | None,
        o.option(
            "FILE|SELECTION",
            "Keys, one a line, that are chosen already; or a selection that is kept and added to.",
            o.KEEP,
            complete=c.selections,
        ),
    ] = None,
    replace: Annotated[
        bool,
        o.option(None, "Let others take the place of what --given SELECTION kept.", o.KEEP, "--replace"),
    ] = False,
    quota: Annotated[
        str | None,
        o.option(
            "KIND",
            "none, proportional, equal, or drop, by errors best found with --cross-fit; default: what "
            "the method is for.",
            o.CLASSES,
            complete=c.choices(method_names.QUOTAS),
        ),
    ] = None,
    quota_floor: Annotated[int, o.option("N", "Samples that a class keeps at least.", o.CLASSES)] = 0,
    quota_cap: Annotated[int | None, o.option("N", "Samples that a class keeps at most.", o.CLASSES)] = None,
    quota_errors: Annotated[
        Path | None,
        o.option(
            "FILE",
            "For drop: errors of classes, .json or .npy; default: the proxy's own, on samples that it "
            "trained on, unless scored with --cross-fit.",
            o.CLASSES,
        ),
    ] = None,
    by: Annotated[
        str | None,
        o.option(
            "COLUMN",
            "Split over a column of the dataset instead of classes (several: label,site).",
            o.CLASSES,
        ),
    ] = None,
    target: Annotated[
        str | None, o.option("DATA", "What to match: a dataset, another store, a .npy of features.", o.TARGET)
    ] = None,
    target_split: Annotated[str | None, o.option("NAME", "Which split of the target.", o.TARGET)] = None,
    target_weights: Annotated[
        Path | None, o.option("FILE", "A .npy: how much each target sample counts.", o.TARGET)
    ] = None,
    reweight: Annotated[
        str | None,
        o.option(
            "HOW",
            "Weights: cluster, nnls or none; default: the method's own.",
            o.TARGET,
            complete=c.choices(("cluster", "nnls", "none")),
        ),
    ] = None,
    partitions: Annotated[
        int | None,
        o.option(
            "N", "Choose in each of N parts of the samples, then among what these kept: less memory.", o.KEEP
        ),
    ] = None,
    within: Annotated[
        str | None,
        o.option(
            "SELECTION",
            "Choose among what an earlier selection kept; --fraction is still one of all samples.",
            o.KEEP,
            complete=c.selections,
        ),
    ] = None,
    where: Annotated[
        str | None,
        o.option(
            "SQL", "Only samples that meet a condition on columns: \"width >= 256 and lang = 'en'\".", o.KEEP
        ),
    ] = None,
    drop_suspects: Annotated[
        str | None,
        o.option(
            "FILE|auto",
            "Leave out labels in doubt: auto, or what you left in a list or folder of prune suspects.",
            o.KEEP,
            complete=c.choices(("auto",)),
        ),
    ] = None,
    drop_leaks: Annotated[
        list[str] | None,
        o.option(
            "DATA",
            "Leave out samples of a held-out dataset or split, and copies of such; may be given again.",
            o.KEEP,
        ),
    ] = None,
    drop_duplicates: Annotated[
        bool,
        o.option(
            None,
            "Leave out copies of samples that stand before them: equal, re-encoded, resized.",
            o.KEEP,
            "--drop-duplicates",
        ),
    ] = False,
    name: Annotated[str | None, o.option("NAME", "Of the selection; default: the method.", o.OUT)] = None,
    dry_run: Annotated[bool, o.option(None, "Say what it would need, and stop.", o.RUN, "--dry-run")] = False,
    max_memory: Annotated[
        str | None, o.option("SIZE", "Such as 4G, beyond the columns; default: half of what is free.", o.RUN)
    ] = None,
    workers: o.Workers = None,
    executor: o.Executor = o.ExecutorChoice.processes,
    address: o.Address = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Choose which samples to keep: a selection called NAME."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.select(
        store,
        name=name,
        dry_run=dry_run,
        options=set_ or (),
        settings=settings,
        method=method,
        fraction=fraction,
        count=count,
        score=score,
        quota=quota,
        quota_floor=quota_floor,
        quota_cap=quota_cap,
        quota_errors=None if quota_errors is None else str(quota_errors),
        by=by,
        where=where,
        drop_hardest=drop_hardest,
        drop_by=drop_by,
        on=on,
        given=given,
        replace=replace or None,
        target=target,
        target_split=target_split,
        target_weights=None if target_weights is None else str(target_weights),
        reweight=reweight,
        partitions=partitions,
        within=within,
        drop_suspects=drop_suspects,
        drop_leaks=drop_leaks or (),
        drop_duplicates=drop_duplicates or None,
    )
    lines: list[str] = []
    if not dry_run:
        from prune.steps.usual_export import usual_export
        from prune.store import Store

        lines = summary(result, store, usual_export(Store(store)))
        lines = noting(result, "the same was chosen before, of the same columns", lines)
    finish(result, lines, as_json=json, quiet=quiet)
