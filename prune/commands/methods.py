"""`prune methods`: what there is to choose from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish


def methods(
    family: Annotated[
        str | None,
        typer.Argument(
            metavar="FAMILY",
            help="readers, encoders, proxies, scores, selectors, exporters.",
            rich_help_panel=o.READ,
        ),
    ] = None,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.Device.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """List every encoder, proxy, scorer, selector and exporter with its options."""
    from prune.report.methods import families

    del store, seed, device  # every command takes them
    result = families(family)
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    lines = []
    for family, members in result.items():
        wide = max(map(len, members))
        lines += [
            family,
            *(line for name, about in members.items() for line in _describe(name, about, wide)),
            "",
        ]
    return lines[:-1]


def _describe(name: str, about: dict[str, Any], wide: int) -> list[str]:
    import textwrap

    high = f" High: {about['high']}." if about.get("high") else ""
    lines = [f"  {name:<{wide}} {about['summary'].replace('``', '')}{high}"]
    if about.get("options"):
        given = "  ".join(f"--set\u00a0{key}={value}" for key, value in about["options"].items())
        lines += [f"  {'':<{wide}} {line}".replace("\u00a0", " ") for line in textwrap.wrap(given, 90)]
    return lines
