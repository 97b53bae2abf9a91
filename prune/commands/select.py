"""`prune select`: which samples to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish, reporter


def select(
    method: Annotated[str, typer.Option(help="How to choose; see `prune methods`.")] = "kcenter",
    fraction: Annotated[str | None, typer.Option(help="Fraction kept, over 0 and at most 1.")] = None,
    count: Annotated[int | None, typer.Option(help="Number kept, instead of a fraction.")] = None,
    score: Annotated[str | None, typer.Option(help="Which score, for methods that use one.")] = None,
    quota: Annotated[str, typer.Option(help="Split over classes: none, proportional or equal.")] = "none",
    drop_hardest: Annotated[float, typer.Option(help="First leave out this fraction, the hardest.")] = 0.0,
    on: Annotated[str | None, typer.Option(help="Which embedding; default: the one there is.")] = None,
    given: Annotated[
        Path | None, typer.Option(help="File of keys, one a line, that are chosen already.")
    ] = None,
    set_: o.Set = None,
    name: Annotated[str | None, typer.Option(help="Of the selection; default: the method.")] = None,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.Device.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Choose which samples to keep: a selection called NAME."""
    from prune import pipeline
    from prune.settings import Settings

    result = pipeline.select(
        store,
        name=name,
        options=set_ or (),
        settings=Settings(seed=seed, device=device.value, wait=wait, reporter=reporter(quiet=quiet)),
        method=method,
        fraction=fraction,
        count=count,
        score=score,
        quota=quota,
        drop_hardest=drop_hardest,
        on=on,
        given=None if given is None else str(given),
    )
    finish(result, _lines(result, store), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any], store: Path) -> list[str]:
    from prune.text import counted, duration, number

    k, n = result["k"], result["usable"]
    took = duration(result["seconds"]["select"]["total"])
    lines = [f"{result['name']}: {number(k)} of {number(n)} samples kept ({100 * k / n:.3g} %), in {took}"]
    classes = result["report"].get("classes")
    if classes:
        least, most = (
            f"{100 * classes[end]['fraction']:.3g} % of {result['classes'][classes[end]['class']]!r}"
            for end in ("least_kept", "most_kept")
        )
        lost = f"; {counted(classes['lost'], 'class')} lost" if classes["lost"] else ""
        lines.append(f"classes: from {least} to {most}{lost}")
    covered = result["report"].get("coverage")
    if covered:
        ours, chance = covered["selection"], covered["random"]
        lines.append(
            f"farthest sample from a kept one: {ours['max']:.4g} (random: {chance['max']:.4g}); "
            f"on average {ours['mean']:.4g} (random: {chance['mean']:.4g})"
        )
    form = "manifest" if result["dataset"]["format"] == "arrays" else "webdataset"
    return [
        *lines,
        f"in {store / 'selections' / result['name']}",
        f"next: prune export --format {form}",
    ]
