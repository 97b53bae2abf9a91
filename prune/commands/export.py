"""`prune export`: the smaller dataset, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, reporter
from prune.core import method_names


def export(
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="webdataset, huggingface, imagefolder, parquet or manifest.",
            autocompletion=c.choices(method_names.EXPORTERS),
            rich_help_panel=o.WRITE,
        ),
    ],
    selection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which selection; default: the latest.",
            autocompletion=c.selections,
            rich_help_panel=o.WRITE,
        ),
    ] = None,
    fraction: Annotated[
        str | None,
        typer.Option(
            metavar="F",
            help="Only the first of the selection: this fraction of all samples.",
            rich_help_panel=o.WRITE,
        ),
    ] = None,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="Write the samples not kept instead.", rich_help_panel=o.WRITE),
    ] = False,
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="webdataset: mirror the source's shards, or repack; default: whichever leaves enough.",
            autocompletion=c.choices(("mirror", "repack")),
            rich_help_panel=o.FORM,
        ),
    ] = None,
    shard_size: Annotated[
        int | None,
        typer.Option(metavar="N", help="webdataset: samples a shard, for repack.", rich_help_panel=o.FORM),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="imagefolder: copy, hard or sym.",
            autocompletion=c.choices(("copy", "hard", "sym")),
            rich_help_panel=o.FORM,
        ),
    ] = None,
    other_splits: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="huggingface, parquet: copy, link or omit the other splits.",
            autocompletion=c.choices(("copy", "link", "omit")),
            rich_help_panel=o.FORM,
        ),
    ] = None,
    empty_classes: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="imagefolder: stop (default), keep or drop a class without samples.",
            rich_help_panel=o.FORM,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A new folder; default: pruned-FORMAT.", rich_help_panel=o.OUT),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export.", rich_help_panel=o.OUT)
    ] = False,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the kept (or the rejected) samples as a dataset that a trainer reads."""
    from prune import pipeline
    from prune.steps.settings import Settings

    if shard_size is not None and layout is None:
        layout = "repack"  # shards of a size are what repack makes
    given = {
        "layout": layout,
        "shard_size": shard_size,
        "link": link,
        "other_splits": other_splits,
        "empty_classes": empty_classes,
    }
    result = pipeline.export(
        store,
        format=format_,
        out=out,
        selection=selection,
        fraction=fraction,
        rejected=rejected,
        overwrite=overwrite,
        options=[f"{name}={value}" for name, value in given.items() if value is not None],
        settings=Settings(seed=seed, device=device.value, wait=wait, reporter=reporter(quiet=quiet)),
    )
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, duration, size

    samples = counted(result["samples"], "sample")
    if result["complete"]:
        return [f"unchanged: {result['out']} is there already: {samples}, checked, nothing to do"]
    took = duration(result["seconds"]["total"])
    files = counted(result["files"], "file")
    return [f"{samples} in {files}, {size(result['bytes'])}, in {took}", f"in {result['out']}"]
