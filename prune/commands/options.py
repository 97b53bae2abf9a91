"""Options that several commands share."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Annotated, Any

import typer

_DATA = "Image folder, .tar shards (folder, glob or braces), Hugging Face dataset, parquet or .npy."


class Device(enum.StrEnum):
    """Where the arithmetic runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class OnError(enum.StrEnum):
    """What unreadable samples do to a command."""

    fail = "fail"
    skip = "skip"


Data = Annotated[
    str | None, typer.Argument(help=f"{_DATA} May be left out once the store knows it.", show_default=False)
]
StorePath = Annotated[
    Path, typer.Option("--store", envvar="PRUNE_STORE", help="Where results are kept.", readable=False)
]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
DeviceName = Annotated[Device, typer.Option(help="Where the arithmetic runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Wait for another command that writes to the same place, instead of failing."
    ),
]
Refresh = Annotated[bool, typer.Option("--refresh", help="Start over when the dataset has changed.")]
ErrorMode = Annotated[OnError, typer.Option(help="What unreadable samples do.")]
MaxBad = Annotated[float, typer.Option(help="Largest fraction of unreadable samples that `skip` accepts.")]
SkipShards = Annotated[
    bool, typer.Option("--skip-shards", help="Leave damaged shards out whole, and list them.")
]
Workers = Annotated[int | None, typer.Option(help="Processes that decode images; default: one a core.")]
As = Annotated[str | None, typer.Option("--as", help="Format of DATA, where looking is not enough.")]
Split = Annotated[str | None, typer.Option(help="Which split of DATA.")]
LabelField = Annotated[
    str | None, typer.Option(help="Column, tar member or JSON field that holds the label.")
]
ImageColumn = Annotated[
    str | None, typer.Option(help="Column that holds the image, where there are several.")
]
LabelsFile = Annotated[Path | None, typer.Option("--labels", help="Labels of a .npy dataset.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the method.")
]

STORE = Path(".prune")


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def reading(as_: str | None, split: str | None, label_field: str | None, **others: Any) -> dict[str, Any]:
    """Collect how DATA is to be read."""
    given = {"as_": as_, "split": split, "label_field": label_field, **others}
    return {
        name: value if value is True else str(value) for name, value in given.items() if value is not None
    }
