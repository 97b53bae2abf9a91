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
    quota: Annotated[
        str | None,
        typer.Option(
            help="Split over classes: none, proportional, equal, or drop, by errors best found with "
            "--cross-fit; default: what the method is for."
        ),
    ] = None,
    quota_floor: Annotated[int, typer.Option(help="Samples that a class keeps at least.")] = 0,
    quota_cap: Annotated[int | None, typer.Option(help="Samples that a class keeps at most.")] = None,
    quota_errors: Annotated[
        Path | None,
        typer.Option(
            help="For drop: errors of classes, .json or .npy; default: the proxy's own, on samples that it "
            "trained on, unless scored with --cross-fit."
        ),
    ] = None,
    drop_hardest: Annotated[
        str | None,
        typer.Option(
            metavar="B|auto", help="First leave out this fraction, the hardest; auto: as the score tells."
        ),
    ] = None,
    drop_by: Annotated[
        str | None, typer.Option(help="The score that says which are hardest; default: that of --score.")
    ] = None,
    on: Annotated[
        str | None, typer.Option(help="An embedding, proxy or gradients; default: the embedding there is.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option(help="File of keys, one a line, that are chosen already.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="What to match: a dataset, another store, a .npy of features.")
    ] = None,
    target_split: Annotated[str | None, typer.Option(help="Which split of the target.")] = None,
    target_weights: Annotated[
        Path | None, typer.Option(help="A .npy: how much each target sample counts.")
    ] = None,
    reweight: Annotated[
        str | None, typer.Option(help="Weights: cluster, nnls or none; default: the method's own.")
    ] = None,
    set_: o.Set = None,
    name: Annotated[str | None, typer.Option(help="Of the selection; default: the method.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="Such as 4G, beyond the columns; default: half of what is free.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would need, and stop.")] = False,
    workers: o.Workers = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.Device.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Choose which samples to keep: a selection called NAME."""
    from prune import pipeline
    from prune.memory import parse_memory
    from prune.settings import Settings

    result = pipeline.select(
        store,
        name=name,
        dry_run=dry_run,
        options=set_ or (),
        settings=Settings(
            seed=seed,
            device=device.value,
            workers=o.core_count() if workers is None else workers,
            on_error=on_error.value,
            max_bad=max_bad,
            wait=wait,
            memory=None if max_memory is None else parse_memory(max_memory),
            reporter=reporter(quiet=quiet),
        ),
        method=method,
        fraction=fraction,
        count=count,
        score=score,
        quota=quota,
        quota_floor=quota_floor,
        quota_cap=quota_cap,
        quota_errors=None if quota_errors is None else str(quota_errors),
        drop_hardest=drop_hardest,
        drop_by=drop_by,
        on=on,
        given=None if given is None else str(given),
        target=target,
        target_split=target_split,
        target_weights=None if target_weights is None else str(target_weights),
        reweight=reweight,
    )
    finish(result, [] if dry_run else _lines(result, store), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any], store: Path) -> list[str]:
    from prune.text import counted, duration, number
    from prune.typed import in_store

    k, n = result["k"], result["usable"]
    took = duration(result["seconds"]["select"]["total"])
    lines = [f"{result['name']}: {number(k)} of {number(n)} samples kept ({100 * k / n:.3g} %), in {took}"]
    lines += _left_out(result["drop_hardest"])
    classes = result["report"].get("classes")
    if classes:
        least, most = (
            f"{100 * classes[end]['fraction']:.3g} % of {result['classes'][classes[end]['class']]!r}"
            for end in ("least_kept", "most_kept")
        )
        lost = f"; {counted(classes['lost'], 'class')} lost" if classes["lost"] else ""
        lines.append(f"classes: from {least} to {most}{lost}")
    lines += _found(result["facts"])
    covered = result["report"].get("coverage")
    if covered:
        ours, chance = covered["selection"], covered["random"]
        lines.append(
            f"farthest sample from a kept one: {ours['max']:.4g} (random: {chance['max']:.4g}); "
            f"on average {ours['mean']:.4g} (random: {chance['mean']:.4g})"
        )
    form = "manifest" if result["dataset"]["format"] in {"arrays", "keys"} else "webdataset"
    return [
        *lines,
        f"in {store / 'selections' / result['name']}",
        f"next: {in_store(f'prune export --format {form}', str(store))}",
    ]


def _left_out(cut: dict[str, Any] | None) -> list[str]:
    """How many of the hardest were left out, and how they were found."""
    from prune.text import number

    if cut is None:
        return []
    share = f"{number(cut['samples'])} of {number(cut['of'])} ({100 * cut['share']:.3g} %)"
    return [f"left out as hardest by {cut['by']}: {share}; {cut['rule']}"]


def _found(facts: dict[str, Any]) -> list[str]:
    """What else the method found, on one line; over classes, the mean."""
    from prune.text import number

    shown = []
    for name, value in facts.items():
        plain = value["mean"] if isinstance(value, dict) and "mean" in value else value
        if isinstance(plain, bool | str):
            shown.append(f"{name} {plain}")
        elif isinstance(plain, int | float):
            shown.append(f"{name} {number(plain)}")
    return [f"found: {', '.join(shown)}".replace("_", " ")] if shown else []
