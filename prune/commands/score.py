"""`prune score`: how hard, typical or redundant each sample is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, noting
from prune.commands.run_settings import run_settings
from prune.commands.score_report import summary
from prune.core import method_names
from prune.core.directions import MEANINGS


def score(
    data: o.Data = None,
    type_: Annotated[
        list[str] | None,
        o.option(
            "T[,T…]",
            "Scores to compute; see `prune methods scores`.",
            o.SCORES,
            "--type",
            complete=c.several(method_names.SCORES),
        ),
    ] = None,
    set_: o.Set = None,
    on: Annotated[
        str | None,
        o.option(
            "NAME",
            "Embedding for --proxy linear (default: the one there is) and for neighbours.",
            o.SCORES,
            complete=c.spaces,
        ),
    ] = None,
    import_: Annotated[
        Path | None,
        o.option(
            "FILE",
            "Take columns of a parquet or csv file, of a folder or a pattern of them, joined by key.",
            o.SCORES,
            "--import",
        ),
    ] = None,
    high: Annotated[
        list[str] | None,
        o.option(
            "MEANING",
            "What a high imported value means: hard, easy, …; or NAME=hard,…",
            o.SCORES,
            complete=c.choices(MEANINGS),
        ),
    ] = None,
    proxy: Annotated[
        str | None,
        o.option(
            "NAME",
            "resnet8, resnet9, resnet20, lenet, mlp, a torchvision model; ngram for texts; linear on an "
            "embedding; own: your training (TraceWriter). Default: own, if there, else what suits the data.",
            o.PROXY,
            complete=c.choices((*method_names.PROXIES, "own")),
        ),
    ] = None,
    proxy_size: Annotated[
        int | None,
        o.option("N", "Pixels a side that the proxy sees. Default: 32.", o.PROXY, show_default=False),
    ] = None,
    epochs: Annotated[
        int | None, o.option("N", "How long the proxy trains. Default: 10.", o.PROXY, show_default=False)
    ] = None,
    lr: Annotated[float | None, o.option("X", "Peak learning rate of the proxy.", o.PROXY)] = None,
    flip: Annotated[
        bool | None,
        o.option(
            None, "Mirror images while the proxy trains.", o.PROXY, "--flip/--no-flip", show_default=False
        ),
    ] = None,
    runs: Annotated[
        int | None,
        o.option(
            "R",
            "Proxies to train, with other seeds; scores are means. Adds to those there are. "
            "Default: 1, or at most 10 with --until-stable.",
            o.TRUST,
            show_default=False,
        ),
    ] = None,
    until_stable: Annotated[
        float | None,
        o.option(
            "RHO",
            "Add runs, from 2 on, until their mean is expected to correlate by RHO (Spearman) with the "
            "mean of as many others; with --runs 1, add epochs until the ranking stands.",
            o.TRUST,
        ),
    ] = None,
    on_fraction: Annotated[
        str | None,
        o.option("F", "Train on and score a random part; the rest gets the mean of its neighbours.", o.TRUST),
    ] = None,
    cross_fit: Annotated[
        int | None, o.option("K", "Score every sample by a proxy that did not train on it: K folds.", o.TRUST)
    ] = None,
    checkpoint: Annotated[
        Path | None, o.option("FILE", "Weights of a model of yours, in the place of a proxy.", o.MODEL)
    ] = None,
    model: Annotated[
        str | None,
        o.option(
            "MODULE:FACTORY",
            "What makes that model (of texts: and its tokenizer); also path/to/file.py:factory.",
            o.MODEL,
        ),
    ] = None,
    mean: Annotated[
        str | None,
        o.option("X[,X,X]", "Of its pixels from 0 to 1, one or three; default: the dataset's.", o.MODEL),
    ] = None,
    std: Annotated[str | None, o.option("X[,X,X]", "Their deviation, likewise.", o.MODEL)] = None,
    as_: o.As = None,
    split: o.Split = None,
    label_field: o.LabelField = None,
    image_column: o.ImageColumn = None,
    text_field: o.TextField = None,
    template: o.Template = None,
    features_column: o.FeaturesColumn = None,
    labels: o.LabelsFile = None,
    no_labels: o.NoLabels = False,
    unlabelled: o.UnlabelledMode = None,
    max_pixels: o.MaxPixels = None,
    holdout: o.Holdout = None,
    workers: o.Workers = None,
    executor: o.Executor = o.ExecutorChoice.processes,
    address: o.Address = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    skip_shards: o.SkipShards = False,
    refresh: o.Refresh = False,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Give every sample a number: train a small proxy once, then one column score.T each."""
    from prune import pipeline

    settings = run_settings(locals())
    training = {"proxy": proxy, "size": proxy_size, "epochs": epochs, "flip": flip, "peak_lr": lr}
    result = pipeline.score(
        store,
        data,
        types=[name for word in type_ or () for name in word.replace(",", " ").split()],
        training=training,
        runs=runs,
        until_stable=until_stable,
        on_fraction=on_fraction,
        cross_fit=cross_fit,
        on=on,
        options=set_ or (),
        imports=None if import_ is None else str(import_),
        high=",".join(high) if high else None,
        checkpoint={
            "file": None if checkpoint is None else str(checkpoint),
            "factory": model,
            "mean": mean,
            "std": std,
        },
        settings=settings,
    )
    finish(
        result,
        noting(result, "every column is there already", summary(result, store)),
        as_json=json,
        quiet=quiet,
    )
