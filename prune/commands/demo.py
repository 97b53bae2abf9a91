"""`prune demo`: the whole chain on small real datasets that need no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings


def demo(
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder for the dataset, the store and the smaller dataset.",
            rich_help_panel=o.OUT,
        ),
    ] = Path("prune-demo"),
    text: Annotated[
        bool, o.option(None, "On snippets of text instead of handwritten digits.", o.HOW, "--text")
    ] = False,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    store: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Default: .prune in the folder.", rich_help_panel=o.OUT),
    ] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Run the whole chain, with the comparison to random, on scikit-learn's handwritten digits or on text."""
    if text:
        from prune.commands.demos.texts import run
    else:
        from prune.commands.demos.digits import run

    result, lines = run(out, store or out / ".prune", run_settings(locals()))
    finish(result, lines, as_json=json, quiet=quiet)
