"""`prune embed`: features of every sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings


def embed(
    data: o.Data = None,
    encoder: Annotated[
        str | None,
        o.option(
            "NAME",
            "A torchvision model (resnet18), `efficientnet_lite0`, `timm:NAME`, `clip:NAME`, `pixels`; of "
            "texts `ngrams`, `sentence`, `static`.",
            o.HOW,
            complete=c.choices(c.ENCODERS),
        ),
    ] = None,
    weights: Annotated[
        str | None,
        o.option(
            "FILE",
            "Weights of the model, .safetensors or .pth, of texts its folder; `default` downloads; `random`.",
            o.HOW,
            complete=c.files_or("default", "random"),
        ),
    ] = None,
    features: Annotated[
        Path | None,
        o.option(
            "FILE",
            "Your own features instead: .npy by row, parquet by key, a folder of clip-retrieval.",
            o.HOW,
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        o.option(
            "TYPE",
            "float16 or float32. Default: as the column is, else float16.",
            o.HOW,
            complete=c.choices(("float16", "float32")),
            show_default=False,
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
    max_pixels: o.MaxPixels = None,
    holdout: o.Holdout = None,
    workers: o.Workers = None,
    executor: o.Executor = o.ExecutorChoice.processes,
    address: o.Address = None,
    rank: Annotated[
        str | None,
        o.option("I", "Make every N-th part: of N runs on one store; auto: as the environment says.", o.RUN),
    ] = None,
    world: Annotated[int | None, o.option("N", "How many runs make a share each.", o.RUN)] = None,
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
    """Compute features of every sample: one column embedding.ENCODER."""
    from prune import pipeline
    from prune.core.store_option import in_store
    from prune.steps.space_columns import kcenter_line
    from prune.system.executors.share import share_of

    settings = replace(run_settings(locals()), share=share_of(rank, world))
    result = pipeline.embed(
        store,
        data,
        encoder=encoder,
        weights=weights,
        features=None if features is None else str(features),
        dtype=dtype,
        settings=settings,
    )
    if result["parts"] and result["parts"]["missing"]:
        finish(result, _share_lines(result), as_json=json, quiet=quiet)
        return
    made = [result, *([result["captions"]] if "captions" in result else [])]
    then = "prune score --type clip"
    if len(made) == 1:
        then = kcenter_line(result["embeddings"], result["column"])
    grown = result["growth"]
    kept = [f"{grown['read']:,} samples read, {grown['kept']:,} rows kept"] if grown else []
    lines = [
        *(line for column in made for line in _lines(column, result)),
        *kept,
        f"next: {in_store(then, str(store))}",
    ]
    finish(result, lines, as_json=json, quiet=quiet)


def _share_lines(result: Mapping[str, Any]) -> list[str]:
    """Say what this run made, and what others have to make."""
    parts = result["parts"]
    said = f"{parts['made']} of {parts['all']} parts made, {parts['missing']} missing"
    others = "next: the other ranks; the one that finds all parts there finishes the column"
    return [f"{result['column']}: rank {parts['rank']} of {parts['world']}: {said}", others]


def _lines(column: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    """Say what was written, and how much of it was cut."""
    from prune.core.safe_text import duration, number

    shape = " × ".join(number(length) for length in column["shape"])
    same = "unchanged: " if column["unchanged"] else ""
    took = f", in {duration(result['seconds']['total'])}" if column is result else ", of the captions"
    yield f"{same}{column['column']}: {shape}{took}"
    cut, n = column.get("cut", {"samples": 0}), result["n"]
    if cut["samples"]:
        share = f"{cut['samples']:,} of {n:,} ({100 * cut['samples'] / n:.2g} %)"
        yield f"{share} are longer than {cut['limit']}, and were cut there"
