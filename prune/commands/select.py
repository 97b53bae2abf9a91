"""`prune select`: which samples to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, noting, reporter
from prune.commands.select_report import summary
from prune.core import method_names
from prune.system.cores import core_count


def select(
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How to choose; see `prune methods selectors`.",
            autocompletion=c.choices(method_names.SELECTORS),
            rich_help_panel=o.KEEP,
        ),
    ] = "kcenter",
    fraction: Annotated[
        str | None,
        typer.Option(metavar="F", help="Fraction kept, over 0 and at most 1.", rich_help_panel=o.KEEP),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="K", help="Number kept, instead of a fraction.", rich_help_panel=o.KEEP),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which score, for methods that use one.",
            autocompletion=c.scores,
            rich_help_panel=o.KEEP,
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="An embedding, proxy or gradients; default: the embedding there is.",
            autocompletion=c.spaces,
            rich_help_panel=o.KEEP,
        ),
    ] = None,
    set_: o.Set = None,
    drop_hardest: Annotated[
        str | None,
        typer.Option(
            metavar="B|auto",
            help="First leave out this fraction, the hardest; auto: as the score tells.",
            autocompletion=c.choices(("auto",)),
            rich_help_panel=o.KEEP,
        ),
    ] = None,
    drop_by: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The score that says which are hardest; default: that of --score.",
            autocompletion=c.scores,
            rich_help_panel=o.KEEP,
        ),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File of keys, one a line, that are chosen already.", rich_help_panel=o.KEEP
        ),
    ] = None,
    quota: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="none, proportional, equal, or drop, by errors best found with --cross-fit; default: what "
            "the method is for.",
            autocompletion=c.choices(method_names.QUOTAS),
            rich_help_panel=o.CLASSES,
        ),
    ] = None,
    quota_floor: Annotated[
        int,
        typer.Option(metavar="N", help="Samples that a class keeps at least.", rich_help_panel=o.CLASSES),
    ] = 0,
    quota_cap: Annotated[
        int | None,
        typer.Option(metavar="N", help="Samples that a class keeps at most.", rich_help_panel=o.CLASSES),
    ] = None,
    quota_errors: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="For drop: errors of classes, .json or .npy; default: the proxy's own, on samples that it "
            "trained on, unless scored with --cross-fit.",
            rich_help_panel=o.CLASSES,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="What to match: a dataset, another store, a .npy of features.",
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    target_split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which split of the target.", rich_help_panel=o.TARGET),
    ] = None,
    target_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A .npy: how much each target sample counts.", rich_help_panel=o.TARGET
        ),
    ] = None,
    reweight: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Weights: cluster, nnls or none; default: the method's own.",
            autocompletion=c.choices(("cluster", "nnls", "none")),
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the selection; default: the method.", rich_help_panel=o.OUT),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would need, and stop.", rich_help_panel=o.RUN)
    ] = False,
    max_memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Such as 4G, beyond the columns; default: half of what is free.",
            rich_help_panel=o.RUN,
        ),
    ] = None,
    workers: o.Workers = None,
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
    from prune.steps.settings import Settings
    from prune.system.memory import parse_memory

    result = pipeline.select(
        store,
        name=name,
        dry_run=dry_run,
        options=set_ or (),
        settings=Settings(
            seed=seed,
            device=device.value,
            workers=core_count() if workers is None else workers,
            on_error=on_error.value,
            max_bad=max_bad,
            wait=wait,
            memory=None if max_memory is None else parse_memory(max_memory),
            reporter=reporter(quiet=quiet),
        ),
        method=method,
        fraction=fraction,
        count=count,
        score=score,
        quota=quota,
        quota_floor=quota_floor,
        quota_cap=quota_cap,
        quota_errors=None if quota_errors is None else str(quota_errors),
        drop_hardest=drop_hardest,
        drop_by=drop_by,
        on=on,
        given=None if given is None else str(given),
        target=target,
        target_split=target_split,
        target_weights=None if target_weights is None else str(target_weights),
        reweight=reweight,
    )
    finish(
        result,
        []
        if dry_run
        else noting(result, "the same was chosen before, of the same columns", summary(result, store)),
        as_json=json,
        quiet=quiet,
    )
