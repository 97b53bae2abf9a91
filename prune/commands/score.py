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
        str | None,
        typer.Option(
            help="resnet8, resnet9, resnet20, lenet, mlp, linear, or a torchvision model; own: your training "
            "(TraceWriter). Default: own, where there is one, else resnet8."
        ),
    ] = None,
    proxy_size: Annotated[int, typer.Option(help="Pixels a side that the proxy sees.")] = 32,
    epochs: Annotated[
        int | None, typer.Option(help="How long the proxy trains. Default: 10.", show_default=False)
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(
            help="Proxies to train, with other seeds; scores are means. Adds to those there are. "
            "Default: 1, or at most 10 with --until-stable.",
            show_default=False,
        ),
    ] = None,
    until_stable: Annotated[
        float | None,
        typer.Option(
            metavar="RHO",
            help="Add runs, from 2 on, until their mean is expected to correlate by RHO (Spearman) with the "
            "mean of as many others; with --runs 1, add epochs until the ranking stands.",
        ),
    ] = None,
    on_fraction: Annotated[
        str | None,
        typer.Option(
            metavar="F", help="Train on and score a random part; the rest gets the mean of its neighbours."
        ),
    ] = None,
    cross_fit: Annotated[
        int | None,
        typer.Option(metavar="K", help="Score every sample by a proxy that did not train on it: K folds."),
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate of the proxy.")] = None,
    flip: Annotated[
        bool | None,
        typer.Option("--flip/--no-flip", help="Mirror images while the proxy trains.", show_default=False),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(help="Embedding for --proxy linear (default: the one there is) and for neighbours."),
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take columns of a parquet or csv file, joined by key.")
    ] = None,
    high: Annotated[
        str | None,
        typer.Option(
            metavar="MEANING", help="What a high imported value means: hard, easy, …; or NAME=hard,…"
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of a model of yours, in the place of a proxy.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODULE:FACTORY", help="What makes that model; also path/to/file.py:factory."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option(help="Of its pixels from 0 to 1, one or three; default: the dataset's.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Their deviation, likewise.")] = None,
    set_: o.Set = None,
    as_: o.As = None,
    split: o.Split = None,
    label_field: o.LabelField = None,
    image_column: o.ImageColumn = None,
    labels: o.LabelsFile = None,
    workers: o.Workers = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    skip_shards: o.SkipShards = False,
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
        reading=o.reading(
            as_,
            split,
            label_field,
            image_column=image_column,
            labels=labels,
            skip_shards=skip_shards or None,
        ),
        reporter=reporter(quiet=quiet),
    )
    training = {"proxy": proxy, "size": proxy_size, "epochs": epochs, "flip": flip, "peak_lr": lr}
    result = pipeline.score(
        store,
        data,
        types=[name for word in type_ or () for name in word.split(",") if name],
        training=training,
        runs=runs,
        until_stable=until_stable,
        on_fraction=on_fraction,
        cross_fit=cross_fit,
        on=on,
        options=set_ or (),
        imports=None if import_ is None else str(import_),
        high=high,
        checkpoint={
            "file": None if checkpoint is None else str(checkpoint),
            "factory": model,
            "mean": mean,
            "std": std,
        },
        settings=settings,
    )
    finish(result, _lines(result, store), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any], store: Path) -> list[str]:
    from prune.text import counted, duration, number
    from prune.typed import in_store

    took = duration(result["seconds"]["total"])
    lines = [f"{counted(result['n'], 'sample')}, {counted(result['classes'], 'class')}, in {took}"]
    for name, about in result["scores"].items():
        numbers = "  ".join(f"{key} {number(about[key])}" for key in ("min", "median", "max") if key in about)
        high = f"  (high: {about['high']})" if about["high"] else ""
        lines.append(f"score.{name}: {numbers}{high}")
        lines += _trust(name, about)
    lines += [*_stability(result.get("stable")), *_cost(result.get("cost", {}))]
    following = "prune select --method kcenter --fraction 0.3" if result["embeddings"] else "prune embed"
    return [*lines, f"next: {in_store(following, str(store))}"]


def _trust(name: str, about: dict[str, Any]) -> list[str]:
    from prune.text import counted, number

    lines = []
    if about.get("between_runs") is not None:
        lines.append(f"  runs agree by {about['between_runs']:.2f} (Spearman){_of_mean(about)}")
    if about.get("constant_runs"):
        lines.append(
            f"  runs cannot be compared: {about['constant_runs']} of them gave all samples the same number"
        )
    if "fold_shift" in about and about["fold_shift"] is None:
        lines.append("  medians of folds cannot be compared: half of the samples have the same score")
    elif "fold_shift" in about:
        share = f"{number(round(about['fold_shift'], 3))} of the quartile range"
        lines.append(f"  medians of folds differ from that of all by {share} at most")
    if about.get("extrapolated"):
        flag = f"see the column score.{name}.extrapolated"
        lines.append(f"  {counted(about['extrapolated'], 'sample')} filled in from neighbours; {flag}")
    return lines


def _of_mean(about: dict[str, Any]) -> str:
    from prune.text import counted

    if about["of_mean"] is None:
        return ""
    enough = f"; 0.95 takes {counted(about['enough'], 'run')}" if about["enough"] else ""
    return f"; their mean would agree by {about['of_mean']:.2f} with that of as many other runs{enough}"


def _stability(stable: dict[str, Any] | None) -> list[str]:
    if stable is None:
        return []
    kind = "runs" if "runs" in stable else "epochs"
    after = f"after {stable[kind]} of {stable['of']} {kind}"
    if kind == "epochs":
        end = "the ranking stands" if stable["stands"] else "the ranking still moves"
        return [f"{end} {after}, by a Spearman correlation of {stable['rho']:g}"]
    said = "is expected" if stable["stands"] else "cannot be expected yet"
    return [f"{after}, their mean {said} to correlate by {stable['rho']:g} with that of as many other runs"]


def _cost(cost: dict[str, Any]) -> list[str]:
    from prune.text import duration

    def took(seconds: float | None) -> str:
        return "unknown" if seconds is None else duration(seconds)

    if "proxy" not in cost:
        return []
    proxy, after = cost["proxy"], cost["next"]
    networks = f", gradients {took(proxy['networks'])}" if proxy["networks"] else ""
    spent = f"proxy {took(proxy['seconds'])}{networks} on {cost['device']}, {duration(proxy['now'])} now"
    scores = f"scores {duration(sum(cost['scores'].values()))}"
    more = f"another run: {took(after['run'])}; another score from the same trace: {took(after['score'])}"
    return [f"cost: {spent}, {scores}", more]
