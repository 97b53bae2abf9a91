"""`prune methods`: what there is to choose from, and the page of one choice."""

from __future__ import annotations

from typing import Annotated

import typer

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish


def methods(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="A method, for its page; or readers, encoders, proxies, scores, selectors, exporters.",
            autocompletion=c.methods,
            rich_help_panel=o.READ,
        ),
    ] = None,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """List every encoder, proxy, scorer, selector and exporter with its options, or show the page of one."""
    from prune.commands.method_pages import listing, page
    from prune.steps.report.methods import families, family_called, pages

    del store, seed, device  # every command takes them
    family = None if name is None else family_called(name)
    if name is None or family is not None:
        result = families(family)
        lines = listing(result)
    else:
        result = pages(name)
        lines = page(result)
    finish(result, lines, as_json=json, quiet=quiet)
