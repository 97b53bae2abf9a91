"""`prune check`: conditions that a selection has to meet, for a pipeline to stop on."""

from __future__ import annotations

from typing import Annotated, Any

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish
from prune.commands.run_settings import run_settings

_VERDICTS = {0: "pass", 5: "FAIL"}  # by the exit code; any other is of what kept it from being looked at
_SHOWN = 10  # samples that are listed on the terminal; --json has more


def check(
    selection: Annotated[
        str | None,
        o.option("NAME", "Which selection; default: the latest.", o.READ, complete=c.selections),
    ] = None,
    min_delta: Annotated[
        float | None,
        o.option(
            "POINTS",
            "Accuracy against random sets of the same size, by the lower end of the interval: -0.2 allows "
            "0.2 points less. From prune evaluate, with five seeds at least.",
            o.CONDITIONS,
        ),
    ] = None,
    probe: Annotated[
        bool, o.option(None, "Let --min-delta go by a linear probe.", o.CONDITIONS, "--probe")
    ] = False,
    min_per_class: Annotated[int | None, o.option("N", "Kept samples of every class.", o.CONDITIONS)] = None,
    max_class_shift: Annotated[
        float | None,
        o.option(
            "F",
            "Share of the kept samples that would be of other classes, were the shares of classes as in the "
            "dataset.",
            o.CONDITIONS,
        ),
    ] = None,
    max_duplicates: Annotated[
        float | None,
        o.option(
            "F",
            "Share of the kept samples that are copies of other kept ones: equal, re-encoded, resized.",
            o.CONDITIONS,
        ),
    ] = None,
    no_leak: Annotated[
        list[str] | None,
        o.option(
            "DATA",
            "Held-out dataset or split, of which no kept sample may be one or a copy; may be given again.",
            o.CONDITIONS,
        ),
    ] = None,
    max_suspects: Annotated[
        float | None,
        o.option("F|N", "Share (below 1) or number of kept labels that are in doubt.", o.CONDITIONS),
    ] = None,
    churn: Annotated[
        tuple[str, float] | None,
        o.option(
            "LAST F",
            "Share that changed against an earlier selection: its name, or a file of keys.",
            o.CONDITIONS,
        ),
    ] = None,
    workers: o.Workers = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Look whether a selection meets conditions; the exit code is 5 where it does not."""
    from prune import pipeline
    from prune.core.errors import GateError
    from prune.steps.check.run import unmet

    settings = run_settings(locals())
    result = pipeline.check(
        store,
        selection=selection,
        min_delta=min_delta,
        probe=probe,
        min_per_class=min_per_class,
        max_class_shift=max_class_shift,
        max_duplicates=max_duplicates,
        no_leak=no_leak or (),
        max_suspects=max_suspects,
        churn=churn,
        settings=settings,
    )
    if result["passed"] or not json:
        finish(result, lines_of(result), as_json=json, quiet=quiet)
    if not result["passed"]:
        raise GateError(unmet(result), result["advice"], result, result["exit_code"])


def lines_of(result: dict[str, Any]) -> list[str]:
    """Return a line a condition, and what was looked at."""
    from prune.core.safe_text import duration, number

    lines = []
    for one in result["conditions"]:
        verdict = _VERDICTS.get(one["exit_code"], "ERROR")
        value = "" if one["value"] is None else f"{number(one['value'])} "
        found = f"{value}({one['detail']})" if value else one["detail"]
        typed = one["condition"] if _unlimited(one) else f"{one['condition']} {number(one['limit'])}"
        lines.append(f"{verdict:<5} {typed}: {found}")
        if one["value"] is None and one.get("advice", result["advice"]) != result["advice"]:
            lines.append(f"      try: {one['advice']}")  # that of the first stands at the end
        listed = one.get("listed", [])
        lines += ["      " + _sample(sample) for sample in listed[:_SHOWN] if not one["passed"]]
        if len(listed) > _SHOWN and not one["passed"]:
            lines.append(f"      … and {len(listed) - _SHOWN:,} more: --json")
    beside = f" ({result['held_out']:,} more are held out)" if result["held_out"] else ""
    kept = f"{result['k']:,} of {result['usable']:,} samples{beside}"
    lines.append(f"selection {result['selection']}, {kept}, in {duration(result['seconds'])}")
    return lines


def _unlimited(one: dict[str, Any]) -> bool:
    """Whether a condition is typed without a limit, which is none."""
    return str(one["condition"]).startswith("--no-leak ")


def _sample(sample: dict[str, Any]) -> str:
    partner, kind = sample.get("partner"), sample.get("kind")
    return sample["key"] + (f" = {partner}" if partner else "") + (f" ({kind})" if kind else "")
