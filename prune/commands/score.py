"""`prune score`: how hard, typical or redundant each sample is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish, reporter


def score(
    data: o.Data = None,
    type_: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="T[,T…]", help="Scores to compute; see `prune methods`."),
    ] = None,
    proxy: Annotated[
        str, typer.Option(help="resnet8, resnet9, resnet20, lenet, mlp, linear, or a torchvision model.")
    ] = "resnet8",
    proxy_size: Annotated[int, typer.Option(help="Pixels a side that the proxy sees.")] = 32,
    epochs: Annotated[int, typer.Option(help="How long the proxy trains.")] = 10,
    runs: Annotated[int, typer.Option(help="Proxies to train, with other seeds; scores are means.")] = 1,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate of the proxy.")] = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip/--no-flip", help="Mirror images while the proxy trains.", show_default=False),
    ] = None,
    on: Annotated[
        str | None, typer.Option(help="Embedding for --proxy linear; default: the one there is.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take columns of a parquet or csv file, joined by key.")
    ] = None,
    set_: o.Set = None,
    as_: o.As = None,
    split: o.Split = None,
    label_field: o.LabelField = None,
    image_column: o.ImageColumn = None,
    labels: o.LabelsFile = None,
    workers: o.Workers = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    refresh: o.Refresh = False,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.Device.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Give every sample a number: train a small proxy once, then one column score.T each."""
    from prune import pipeline
    from prune.settings import Settings

    settings = Settings(
        seed=seed,
        device=device.value,
        workers=o.core_count() if workers is None else workers,
        on_error=on_error.value,
        max_bad=max_bad,
        wait=wait,
        refresh=refresh,
        reading=o.reading(as_, split, label_field, image_column=image_column, labels=labels),
        reporter=reporter(quiet=quiet),
    )
    training = {"proxy": proxy, "size": proxy_size, "epochs": epochs, "flip": flip, "peak_lr": lr}
    result = pipeline.score(
        store,
        data,
        types=[name for word in type_ or () for name in word.split(",") if name],
        training=training,
        runs=runs,
        on=on,
        options=set_ or (),
        imports=None if import_ is None else str(import_),
        settings=settings,
    )
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.text import counted, duration, number

    took = duration(result["seconds"]["total"])
    lines = [f"{counted(result['n'], 'sample')}, {counted(result['classes'], 'class')}, in {took}"]
    for name, about in result["scores"].items():
        numbers = "  ".join(f"{key} {number(about[key])}" for key in ("min", "median", "max") if key in about)
        high = f"  (high: {about['high']})" if about["high"] else ""
        lines.append(f"score.{name}: {numbers}{high}")
    select = "prune select --method kcenter --fraction 0.3"
    return [*lines, f"next: {select if result['embeddings'] else 'prune embed'}"]
