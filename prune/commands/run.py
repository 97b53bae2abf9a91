"""`prune run`: the chain of a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings


def run(
    recipe: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The chain: data, scores, selections, checks, exports.",
            rich_help_panel=o.READ,
        ),
    ] = Path("prune.toml"),
    only: Annotated[
        str | None, o.option("STEP[,STEP]", "Steps to run, such as score or select.third.", o.HOW)
    ] = None,
    dry_run: Annotated[
        bool,
        o.option(None, "Say which steps would run, and what is known of their cost.", o.RUN, "--dry-run"),
    ] = False,
    schema: Annotated[
        bool, o.option(None, "Print the JSON schema of the file, and stop.", o.OUT, "--schema")
    ] = False,
    workers: o.Workers = None,
    executor: o.Executor = o.ExecutorChoice.processes,
    address: o.Address = None,
    wait: o.Wait = False,
    store: Annotated[
        Path | None,
        o.option(
            "DIR",
            "Where results are kept; default: as the file says, else .prune beside it.",
            o.OUT,
            "--store",
            envvar="PRUNE_STORE",
            show_envvar=True,
            readable=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, o.option("N", "In the place of the one at the top of the file.", o.RUN)
    ] = None,
    device: Annotated[o.DeviceChoice | None, o.option(None, "Likewise.", o.RUN)] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Run a chain that is written in a file; a step whose result stands is left as it is."""
    if schema:
        from prune.steps.recipe.schema import recipe_schema

        finish(recipe_schema(), [], as_json=True)
        return
    from prune import pipeline

    where = {"workers": workers, "executor": executor, "address": address}
    settings = run_settings({**where, "wait": wait, "quiet": quiet})
    silent = json or quiet
    result = pipeline.run(
        recipe,
        store=store,
        only=only or (),
        dry_run=dry_run,
        seed=seed,
        device=None if device is None else device.value,
        tell=(lambda step: None) if silent else _tell,  # noqa: ARG005
        settings=settings,
    )
    finish(result, _summary(result), as_json=json, quiet=quiet)


def _tell(step: Mapping[str, Any]) -> None:
    from prune.core.safe_text import duration, printable

    name, status = step["step"], step["status"]
    if "known" in step:
        lines = [f"{name}: {status} ({step['known']})"]
    elif step["verb"] in {"check", "evaluate"}:
        lines = [f"{name}: {status}, in {duration(step['seconds'])}", *_LINES[step["verb"]](step["result"])]
    else:
        took = "" if status == "unchanged" else f", in {duration(step['seconds'])}"
        lines = [f"{name}: {status}: {_LINES[step['verb']](step['result'])}{took}"]
    for line in lines:
        typer.echo(printable(line))


def _summary(result: Mapping[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, duration

    statuses = [step["status"] for step in result["steps"]]
    found = ", ".join(f"{statuses.count(one)} {one}" for one in dict.fromkeys(statuses))
    return [
        f"{counted(len(statuses), 'step')} of {result['file']}: {found}, in {duration(result['seconds'])}"
    ]


def _embed(result: Mapping[str, Any]) -> str:
    from prune.core.safe_text import number

    return f"{result['column']}, {' × '.join(number(length) for length in result['shape'])}"


def _score(result: Mapping[str, Any]) -> str:
    from prune.core.safe_text import counted

    return f"{', '.join(result['scores'])} of {counted(result['n'], 'sample')}"


def _select(result: Mapping[str, Any]) -> str:
    from prune.core.safe_text import number

    share = f"{100 * result['k'] / result['usable']:.3g} %"
    return f"{number(result['k'])} of {number(result['usable'])} samples kept ({share})"


def _export(result: Mapping[str, Any]) -> str:
    from prune.core.safe_text import counted

    return f"{counted(result['samples'], 'sample')} in {result['out']}"


def _report(result: Mapping[str, Any]) -> str:
    return str(result["out"])


def _check(result: dict[str, Any]) -> list[str]:
    from prune.commands.check import lines_of

    return lines_of(result)


def _evaluate(result: dict[str, Any]) -> list[str]:
    from prune.commands.evaluate_report import table_lines

    return table_lines(result)


_LINES: dict[str, Any] = {  # what is said of a step, beside its name and how it ended
    "embed": _embed,
    "score": _score,
    "select": _select,
    "evaluate": _evaluate,
    "check": _check,
    "export": _export,
    "report": _report,
}
