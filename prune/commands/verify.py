"""`prune verify`: the files of a store or an export against their checksums, and against the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_SHOWN = 20  # findings of a kind on the terminal; --json has a thousand


def verify(
    place: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="A store or an export; default: the store.",
            show_default=False,
            readable=False,
            rich_help_panel=o.READ,
        ),
    ] = None,
    source: Annotated[
        bool, o.option(None, "Also read the dataset again, and compare it.", o.READ, "--source/--no-source")
    ] = True,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Check every file of a store or an export, and the dataset, and say what to run again."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.verify(store, place, source=source, settings=settings)
    finish(result, _lines(result, asked=source), as_json=json, quiet=quiet)
    if result["exit_code"]:
        raise typer.Exit(result["exit_code"])


def _lines(result: dict[str, Any], *, asked: bool) -> list[str]:
    from prune.core.safe_text import counted, duration, number, size

    lines, shown = [], dict[str, int]()
    for finding in result["findings"]:
        kind = finding["kind"]
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= _SHOWN:
            what = f"{'note: ' if kind == 'note' else ''}{finding['path']} {finding['why']}"
            lines.append(f"{what}   # {finding['command']}" if finding["command"] else what)
    for kind, count in result["counts"].items():
        if count > _SHOWN:
            lines.append(f"… {number(count - _SHOWN)} more {kind}; --json lists a thousand")
    looked = f"{counted(result['files'], 'file')}, {size(result['bytes'])}, in {duration(result['seconds'])}"
    compared = "compared with the dataset" if result["source"] else "not compared with the dataset"
    if not asked:
        compared += ": --no-source"
    counts = [f"{number(n)} {kind}" for kind, n in result["counts"].items() if kind != "note"]
    verdict = "is whole" if result["whole"] else f"is not whole: {', '.join(counts)}"
    return [*lines, f"{result['place']} {verdict}", f"{looked}, {compared}"]
