"""`prune plan`: what a chain will take, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.plan_report import summary
from prune.commands.run_settings import run_settings
from prune.core import method_names


def plan(
    data: o.Data = None,
    recipe: Annotated[
        Path | None,
        o.option(
            "FILE",
            "The chain, as of prune run; default: prune.toml, where it is and nothing else is named.",
            o.READ,
        ),
    ] = None,
    samples: Annotated[
        float | None, o.option("N", "How many there are to be, 1e9; default: as many as there are.", o.WHERE)
    ] = None,
    machines: Annotated[int, o.option("N", "Machines like this one.", o.WHERE)] = 1,
    gpus: Annotated[int, o.option("N", "GPUs in each of them.", o.WHERE)] = 0,
    price: Annotated[
        float | None, o.option("X", "Of an hour of a GPU, without GPUs of a machine.", o.WHERE)
    ] = None,
    encoder: Annotated[
        str | None,
        o.option("NAME", "Embed first, by this: see prune embed.", o.HOW, complete=c.choices(c.ENCODERS)),
    ] = None,
    weights: Annotated[
        str | None,
        o.option("FILE", "Of the encoder.", o.HOW, complete=c.files_or("default", "random")),
    ] = None,
    type_: Annotated[
        list[str] | None,
        o.option("T[,T…]", "Scores to compute.", o.HOW, "--type", complete=c.several(method_names.SCORES)),
    ] = None,
    proxy: Annotated[
        str | None,
        o.option("NAME", "What is trained for scores.", o.HOW, complete=c.choices(method_names.PROXIES)),
    ] = None,
    proxy_size: Annotated[int | None, o.option("N", "Pixels a side that it sees.", o.HOW)] = None,
    epochs: Annotated[int | None, o.option("N", "How long it trains; default: 10.", o.HOW)] = None,
    method: Annotated[
        str | None,
        o.option(
            "NAME", "How to select; default: kcenter.", o.HOW, complete=c.choices(method_names.SELECTORS)
        ),
    ] = None,
    fraction: Annotated[str | None, o.option("F", "Fraction kept; default: 0.3.", o.HOW)] = None,
    target: Annotated[str | None, o.option("DATA", "What to match, for methods that do.", o.HOW)] = None,
    format_: Annotated[
        str | None,
        o.option(
            "NAME",
            "Of the export; default: what prune reads of this form.",
            o.HOW,
            "--format",
            complete=c.choices(method_names.EXPORTERS),
        ),
    ] = None,
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
    max_memory: Annotated[
        str | None, o.option("SIZE", "Such as 4G, of select; default: half of what is free.", o.RUN)
    ] = None,
    workers: o.Workers = None,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say what a chain will take before it runs: time, memory, disk and money, step by step."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.plan(
        store,
        data,
        recipe=recipe,
        encoder=encoder,
        weights=weights,
        types=[name for word in type_ or () for name in word.replace(",", " ").split()],
        training={"proxy": proxy, "size": proxy_size, "epochs": epochs},
        method=method,
        fraction=fraction,
        target=target,
        format=format_,
        samples=samples,
        machines=machines,
        gpus=gpus,
        price=price,
        settings=settings,
    )
    finish(result, summary(result), as_json=json, quiet=quiet)
