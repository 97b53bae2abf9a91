"""`prune report`: a page about a selection, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, noting
from prune.commands.run_settings import run_settings


def report(
    selection: Annotated[
        str | None,
        o.option("NAME", "Which selection; default: the latest.", o.READ, complete=c.selections),
    ] = None,
    out: Annotated[
        Path | None, o.option("FILE", "The page; default: prune-report.html.", o.OUT, "--out")
    ] = None,
    open_: Annotated[bool, o.option(None, "Show it in the browser.", o.OUT, "--open")] = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Write a page to look at: what was kept and dropped, scores, classes, coverage, cost, provenance."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.report(store, selection=selection, out=out, settings=settings)
    finish(result, _lines(result), as_json=json, quiet=quiet)
    if open_ and not _shown(Path(result["out"])):
        typer.echo(f"no browser was found; open {result['out']} in one", err=True)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, duration, size

    samples = result["samples"].values()
    shown, unseen = (sum(one[what] for one in samples) for what in ("shown", "unseen"))
    what = f"{counted(shown, 'sample')}, {counted(len(result['charts']), 'chart')}, {size(result['bytes'])}"
    lines = [f"{result['selection']}: {what}, in {duration(result['seconds']['total'])}"]
    if unseen:
        lines.append(f"{counted(unseen, 'sample')} could not be looked at in the dataset; the page says why")
    lines.append(f"in {result['out']}")
    return noting(result, result["out"], lines)


def _shown(page: Path) -> bool:
    import webbrowser

    return webbrowser.open(page.absolute().as_uri())
