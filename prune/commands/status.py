"""`prune status`: what the store holds, what is missing, how big."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish


def status(
    recipe: Annotated[
        bool,
        o.option(
            None, "Write the file for `prune run` that makes again what the store holds.", o.WRITE, "--recipe"
        ),
    ] = False,
    out: Annotated[Path | None, o.option("FILE", "Of --recipe; default: standard output.", o.OUT)] = None,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Show what the store holds, what is missing, and how big it is."""
    from prune.core.errors import StoreError
    from prune.steps.report.status import status as describe
    from prune.store import Store

    del seed, device  # every command takes them
    if recipe or out is not None:
        _write_recipe(Store(store), out, asked=recipe, as_json=json, quiet=quiet)
        return
    result = describe(Store(store))
    finish(result, _lines(result), as_json=json, quiet=quiet)
    if result["damaged"] and not json:  # of which the first is the error; with --json, all are in the object
        first = result["damaged"][0]
        raise StoreError(first["what"], first["command"])
    if result["exit_code"]:
        raise typer.Exit(result["exit_code"])


def _write_recipe(store: Any, out: Path | None, *, asked: bool, as_json: bool, quiet: bool) -> None:
    from prune import pipeline
    from prune.core.errors import OptionError

    if not asked:
        raise OptionError(f"--out {out} is where a recipe goes", f"--recipe --out {shlex.quote(str(out))}")
    result = pipeline.recipe(store, out)
    if out is None:
        finish(result, result["recipe"].split("\n")[:-1], as_json=as_json)
        return
    same = "unchanged: " if result["unchanged"] else ""
    lines = [f"{same}in {out}", f"next: prune run {shlex.quote(str(out))}"]
    finish(result, lines, as_json=as_json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.commands.score_report import later_lines
    from prune.core.safe_text import number, size

    lines = [f"{result['store']}: {size(result['bytes'])}", *_dataset(result["dataset"])]
    if result["dataset"] is not None:
        lines.append(f"rejects: {number(result['rejects'])}")
    lines += [f"left out: {name}, which {why}" for name, why in result["skipped_shards"].items()]
    for name, column in result["columns"].items():
        shape = " × ".join(number(length) for length in column["shape"])
        lines.append(f"{name}: {shape} {column['dtype']}, {size(column['bytes'])}")
        lines += later_lines(name.partition(".")[2], column)
    if result["trained"]:
        lines.append(f"trained: {result['trained']}")
    lines += [*_selections(result), *_evaluations(result["evaluations"]), *_unfinished(result)]
    lines += _foreseen(result["foreseen"])
    lines += [f"damaged: {one['what']}   # {one['command']}" for one in result["damaged"]]
    if result["unused"]:
        free = f"prune gc removes {size(result['unused'])}"
        lines.append(_in(f"not shown any more: {free}", result["store"]))
    coming = result["begun"] or result["running"]
    return [*lines, *(f"missing: {what}" for what in result["missing"] if not coming)]


def _dataset(about: dict[str, Any] | None) -> list[str]:
    from prune.core.safe_text import counted

    if about is None:
        return []
    split = f", split {about['split']}" if about["split"] else ""
    classes = counted(about["classes"], "class")
    lines = [f"dataset: {counted(about['n'], 'sample')}, {classes}, {about['format']}{split}"]
    if about["holdout"] is not None:
        held = counted(about["held_out"], "sample")
        lines.append(f"held out: {held}, {about['holdout']} of each class; never scored, trained on or kept")
    return lines


def _selections(result: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted

    lines = []
    for name, chosen in result["selections"].items():
        latest = " (latest)" if name == result["latest"] else ""
        share = 100 * chosen["k"] / chosen["usable"]
        lines.append(f"selection {name}{latest}: {counted(chosen['k'], 'sample')}, {share:.3g} %")
    if result["outdated"]:
        lines += _outdated(result["outdated"], result["store"])
    for name, again in result["earlier"].items():
        what = name.replace("selections/", "selection ")
        lines.append(f"stale: {what}, of the dataset before it changed   # {again}")
    for name, why in result["stale"].items():
        lines.append(f"stale: selection {name}, as {why['column']} was made again   # {why['command']}")
    return lines


def _evaluations(held: dict[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, size

    if not held["cells"] and not held["choices"]:
        return []
    names = ", ".join(held["selections"])
    return [
        f"evaluations: {counted(held['cells'], 'training')} of {names or 'nothing'}, {size(held['bytes'])}"
    ]


def _foreseen(steps: list[dict[str, Any]]) -> list[str]:
    """Say what a plan foretold of each step, and what it took."""
    from prune.core.safe_text import duration, roughly

    lines = []
    for step in steps:
        took = "not run yet" if step["took"] is None else f"took {duration(step['took'])}"
        ends = None if step["seconds"] is None else f"{roughly(step['low'])} to {roughly(step['high'])}"
        lines.append(f"planned: {step['step']}: {ends or 'does not fit'}; {took}")
    return lines


def _outdated(scores: dict[str, str], store: str) -> list[str]:
    from prune.store import Store
    from prune.store.outdated import scored_again

    again = scored_again(Store(store), scores)
    return [f"stale: {name}, as {of} was made again   # {again}" for name, of in scores.items()]


def _unfinished(result: dict[str, Any]) -> list[str]:
    """Say what did not end, how far it is, and what goes on with it."""
    from prune.core.store_option import in_store

    running = result["running"]
    lines = [f"{'so far' if running else 'not finished'}: {told}" for told in result["progress"]]
    if running:
        lines.append(f"running: {running['what']}")
    for verb, command in result["begun"].items():
        again = in_store(command, result["store"])
        lines.append(f"unfinished: {verb}; the same command goes on   # {again}")
    return lines


def _in(line: str, store: str) -> str:
    from prune.core.store_option import in_store

    return line.replace("prune gc", in_store("prune gc", store))
