"""Options that several commands share."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import completion as c
from prune.core import method_names

_DATA = (
    "Image folder, .tar shards (folder, glob or braces), Hugging Face dataset, parquet or .npy; "
    "of texts also .jsonl, .csv or .txt."
)


class DeviceChoice(enum.StrEnum):
    """Where the arithmetic runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class ExecutorChoice(enum.StrEnum):
    """What runs parts of the work."""

    processes = "processes"
    ray = "ray"


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
MODEL_TRAINED = "What is trained"
CLASSES = "How it is split over classes"
TARGET = "What to match, and weights"
WHERE = "On what"
CONDITIONS = "What must hold"
FORM = "Of one format"
OUT = "Where results go"
WRONG = "When something is wrong"
RUN = "How it runs"
GROUPS = (
    *(READ, WHERE, SCORES, KEEP, WRITE, HOW, PROXY, TRUST, MODEL, MODEL_TRAINED, CLASSES),
    *(TARGET, FORM, CONDITIONS, OUT, WRONG, RUN),
)


def option(
    metavar: str | None, help_: str, group: str, /, *names: str, complete: Any = None, **more: Any
) -> Any:
    """Return one option, to stand behind the type in `Annotated`.

    Parameters
    ----------
    metavar
        What its value is called; None for a flag or a choice.
    help_
        One sentence.
    group
        One of `GROUPS`.
    names
        How it is typed, where that is not the name of the parameter.
    complete
        What the shell offers as values.
    more
        Further arguments of `typer.Option`.
    """
    return typer.Option(
        *names, metavar=metavar, help=help_, autocompletion=complete, rich_help_panel=group, **more
    )


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
    option(
        "FORMAT",
        "Of DATA, where looking is not enough.",
        READ,
        "--as",
        complete=c.choices(method_names.READERS),
    ),
]
Split = Annotated[str | None, option("NAME", "Which split of DATA.", READ)]
LabelField = Annotated[
    str | None, option("NAME", "Column, tar member or JSON field that holds the label.", READ)
]
ImageColumn = Annotated[
    str | None, option("NAME", "Column, or suffix of a tar member, that holds the image.", READ)
]
TextField = Annotated[
    str | None,
    option(
        "NAME[,NAME]",
        "Field that holds the text, several joined with a newline; beside --image-column, the caption.",
        READ,
    ),
]
Template = Annotated[
    str | None,
    option(
        "TEXT",
        "The text, made of fields: '{title}: {body}', or chat, sharegpt, alpaca, dolly, prompt, answer.",
        READ,
    ),
]
FeaturesColumn = Annotated[str | None, option("NAME", "Column of features, of a table without images.", READ)]
LabelsFile = Annotated[
    Path | None,
    option(
        "FILE",
        "Labels: .csv, .tsv, .jsonl or .parquet by key or file name; .npy for a .npy.",
        READ,
        "--labels",
    ),
]
MaxPixels = Annotated[float | None, option("MEGAPIXELS", "Largest image that is read; default: 40.", READ)]
Holdout = Annotated[
    str | None,
    option(
        "F",
        "Set this fraction of each class aside before anything is scored, to test on; the store remembers.",
        READ,
        "--holdout",
    ),
]
UnlabelledMode = Annotated[
    Unlabelled | None,
    option(
        None,
        "Samples without a label: leave them out, or keep them without the scores that look at labels.",
        READ,
        "--unlabelled",
        show_default=False,
    ),
]
NoLabels = Annotated[bool, option(None, "Read DATA without labels.", READ, "--no-labels")]
Set = Annotated[
    list[str] | None, option("NAME=VALUE", "An option of the method.", HOW, "--set", complete=c.options_of)
]
ErrorMode = Annotated[OnError, option(None, "What unreadable samples do.", WRONG)]
MaxBad = Annotated[float, option("F", "Largest fraction of unreadable samples that `skip` accepts.", WRONG)]
SkipShards = Annotated[
    bool, option(None, "Leave damaged shards out whole, and list them.", WRONG, "--skip-shards")
]
Refresh = Annotated[bool, option(None, "Start over when the dataset has changed.", WRONG, "--refresh")]
Wait = Annotated[
    bool,
    option(
        None, "Wait for another command that writes to the same place, instead of failing.", WRONG, "--wait"
    ),
]
StorePath = Annotated[
    Path,
    option(
        "DIR",
        "Where results are kept.",
        OUT,
        "--store",
        envvar="PRUNE_STORE",
        show_envvar=True,
        show_default=True,
        readable=False,
    ),
]
Json = Annotated[bool, option(None, "Print one JSON object on standard output.", OUT, "--json")]
Quiet = Annotated[bool, option(None, "No progress, no messages.", OUT, "--quiet", "-q")]
Workers = Annotated[
    int | None,
    option(
        "N", "Processes side by side: decode, encode, train, write; 0: in this one; default: one a core.", RUN
    ),
]
Executor = Annotated[ExecutorChoice, option(None, "What runs parts: processes here, or a Ray cluster.", RUN)]
Address = Annotated[
    str | None, option("HOST:PORT", "Of the Ray cluster; default: RAY_ADDRESS, or this machine's.", RUN)
]
Seed = Annotated[int, option("N", "Of everything random.", RUN)]
DeviceName = Annotated[DeviceChoice, option(None, "Where the arithmetic runs.", RUN)]

STORE = Path(".prune")
