"""Options that several commands share."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import completion as c
from prune.core import method_names

_DATA = "Image folder, .tar shards (folder, glob or braces), Hugging Face dataset, parquet or .npy."


class DeviceChoice(enum.StrEnum):
    """Where the arithmetic runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Unlabelled(enum.StrEnum):
    """What becomes of samples without a label."""

    skip = "skip"
    keep = "keep"


class OnError(enum.StrEnum):
    """What unreadable samples do to a command."""

    fail = "fail"
    skip = "skip"


# The groups of `--help`, in the order in which they are shown.
READ = "What to read"
SCORES = "What to compute"
KEEP = "What to keep"
WRITE = "What to write"
HOW = "How"
PROXY = "The proxy"
TRUST = "How far to trust it"
MODEL = "A model of your own"
CLASSES = "How it is split over classes"
TARGET = "What to match, and weights"
FORM = "Of one format"
OUT = "Where results go"
WRONG = "When something is wrong"
RUN = "How it runs"
GROUPS = (*(READ, SCORES, KEEP, WRITE, HOW, PROXY, TRUST, MODEL, CLASSES, TARGET, FORM, OUT, WRONG, RUN),)

Data = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help=f"{_DATA} May be left out once the store knows it.",
        show_default=False,
        rich_help_panel=READ,
    ),
]
As = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="FORMAT",
        help="Of DATA, where looking is not enough.",
        autocompletion=c.choices(method_names.READERS),
        rich_help_panel=READ,
    ),
]
Split = Annotated[str | None, typer.Option(metavar="NAME", help="Which split of DATA.", rich_help_panel=READ)]
LabelField = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column, tar member or JSON field that holds the label.", rich_help_panel=READ
    ),
]
ImageColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column, or suffix of a tar member, that holds the image.", rich_help_panel=READ
    ),
]
TextField = Annotated[
    str | None, typer.Option(metavar="NAME", help="Field that holds the text.", rich_help_panel=READ)
]
FeaturesColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column of features, of a table without images.", rich_help_panel=READ),
]
LabelsFile = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Labels: .csv, .tsv, .jsonl or .parquet by key or file name; .npy for a .npy.",
        rich_help_panel=READ,
    ),
]
MaxPixels = Annotated[
    float | None,
    typer.Option(metavar="MEGAPIXELS", help="Largest image that is read; default: 40.", rich_help_panel=READ),
]
UnlabelledMode = Annotated[
    Unlabelled | None,
    typer.Option(
        "--unlabelled",
        help="Samples without a label: leave them out, or keep them without the scores that look at labels.",
        rich_help_panel=READ,
        show_default=False,
    ),
]
NoLabels = Annotated[
    bool, typer.Option("--no-labels", help="Read DATA without labels.", rich_help_panel=READ)
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="An option of the method.",
        autocompletion=c.options_of,
        rich_help_panel=HOW,
    ),
]
ErrorMode = Annotated[OnError, typer.Option(help="What unreadable samples do.", rich_help_panel=WRONG)]
MaxBad = Annotated[
    float,
    typer.Option(
        metavar="F", help="Largest fraction of unreadable samples that `skip` accepts.", rich_help_panel=WRONG
    ),
]
SkipShards = Annotated[
    bool,
    typer.Option(
        "--skip-shards", help="Leave damaged shards out whole, and list them.", rich_help_panel=WRONG
    ),
]
Refresh = Annotated[
    bool, typer.Option("--refresh", help="Start over when the dataset has changed.", rich_help_panel=WRONG)
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help="Wait for another command that writes to the same place, instead of failing.",
        rich_help_panel=WRONG,
    ),
]
StorePath = Annotated[
    Path,
    typer.Option(
        "--store",
        envvar="PRUNE_STORE",
        show_envvar=True,
        show_default=True,
        metavar="DIR",
        help="Where results are kept.",
        readable=False,
        rich_help_panel=OUT,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.", rich_help_panel=OUT)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.", rich_help_panel=OUT)]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Processes that decode images; default: one a core.", rich_help_panel=RUN),
]
Seed = Annotated[int, typer.Option(metavar="N", help="Of everything random.", rich_help_panel=RUN)]
DeviceName = Annotated[DeviceChoice, typer.Option(help="Where the arithmetic runs.", rich_help_panel=RUN)]

STORE = Path(".prune")


def reading(as_: str | None, split: str | None, label_field: str | None, **others: Any) -> dict[str, Any]:
    """Collect how DATA is to be read."""
    given = {"as_": as_, "split": split, "label_field": label_field, **others}
    return {
        name: value if value is True else str(value) for name, value in given.items() if value is not None
    }
