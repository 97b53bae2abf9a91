"""`prune diff`: two selections side by side."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.aligned import aligned
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_SHOWN = 20  # classes on the terminal, those that changed most; --json has all


def diff(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A selection, or STORE:NAME of another store.",
            show_default=False,
            rich_help_panel=o.READ,
        ),
    ] = "",
    b: Annotated[
        str,
        typer.Argument(metavar="B", help="The other one.", show_default=False, rich_help_panel=o.READ),
    ] = "",
    out: Annotated[
        Path | None, o.option("FILE", "Write the samples that moved: .csv, .parquet or .jsonl.", o.OUT)
    ] = None,
    overwrite: Annotated[
        bool, o.option(None, "Replace an earlier file at FILE.", o.OUT, "--overwrite")
    ] = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare two selections: what they share, what moved, in which classes, and by which score."""
    from prune import pipeline

    settings = run_settings(locals())
    result = pipeline.diff(store, a, b, out=out, overwrite=overwrite, settings=settings)
    finish(result, _lines(result, a, b), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any], a: str, b: str) -> list[str]:
    from prune.core.safe_text import number

    kept = f"{number(result['a']['k'])} and {number(result['b']['k'])} kept"
    shared = f"{number(result['both'])} in both, {number(result['left'])} left, {number(result['came'])} came"
    lines = [f"{a} → {b}: {kept}; {shared} (Jaccard {result['jaccard']:.3f})"]
    if not result["left"] and not result["came"]:
        return [*lines, "they keep the same samples", *_written(result)]
    lines += _classes(result["classes"])
    lines += _scores(result["scores"])
    for what in ("left", "came"):
        if result[what]:
            more = ", …" if result[what] > len(result["examples"][what]) else ""
            lines += _examples(what, result["examples"][what], more, result["texts"])
    return [*lines, *_written(result)]


def _examples(what: str, keys: list[str], more: str, texts: dict[str, str]) -> list[str]:
    """Return the keys of some samples on a line; of texts a line each, with how it begins."""
    if not texts:
        return [f"{what}: {', '.join(keys)}{more}"]
    lines = [f"  {key}: {texts.get(key, 'cannot be read')}" for key in keys]
    return [f"{what}:", *lines, *(["  …"] if more else [])]


def _classes(classes: list[dict[str, Any]]) -> list[str]:
    from prune.core.safe_text import number

    if not classes:
        return []
    shown = sorted(classes, key=lambda one: -one["churn"])[:_SHOWN] if len(classes) > _SHOWN else classes
    head = ("class", "in A", "in B", "both", "left", "came", "churn")
    names = ("a", "b", "both", "left", "came")
    rows = [
        (one["class"], *(number(one[of]) for of in names), f"{100 * one['churn']:.0f} %") for one in shown
    ]
    lines = aligned([head, *rows], words=1)
    if len(classes) > len(shown):
        lines.append(f"… and {number(len(classes) - len(shown))} more classes, see --json")
    return lines


def _scores(scores: dict[str, dict[str, Any]]) -> list[str]:
    """Return the mean of each score among those that left, stayed and came."""
    if not scores:
        return []
    head = ("mean of", "left", "both", "came", "apart", "high")
    rows = []
    for name, found in scores.items():
        means = ["" if found[of] is None else f"{found[of]:.4g}" for of in ("left", "both", "came")]
        apart = "" if found["apart"] is None else f"{found['apart']:+.2f} σ"
        rows.append((name, *means, apart, found["high"]))
    return aligned([head, *rows], words=1)


def _written(result: dict[str, Any]) -> list[str]:
    if "out" not in result:
        return []
    return [f"{'unchanged: ' if result['unchanged'] else ''}in {shlex.quote(result['out'])}"]
