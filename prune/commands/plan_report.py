"""What `prune plan` prints: a line a step, the whole, what does not fit, and how sure all of it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = tuple[str, ...]


def summary(result: Mapping[str, Any]) -> list[str]:
    """Return the lines to print."""
    from prune.core.safe_text import size
    from prune.core.store_option import in_store

    rows: list[Row] = [("step", "time", "from", "to", "memory", "disk", "limited by", "ratio")]
    rows += [_row(step) for step in result["steps"]]
    whole = result["in_all"]
    ends = [_time(whole[name]) for name in ("seconds", "low", "high")]
    rows.append(("in all", *ends, size(whole["memory"]), size(whole["disk"]), "", ""))
    kept = f"kept: {in_store('prune status', result['store'])}   # shows it beside what each step takes"
    return [
        *_measured(result),
        "",
        *_aligned(rows),
        "",
        *_money(result),
        *_modes(result["steps"]),
        *_problems(result),
        *_assumptions(result),
        kept if result["saved"] else "not kept: it is no plan of what is here",
    ]


def _row(step: Mapping[str, Any]) -> Row:
    from prune.core.safe_text import size

    times = [_time(step[name]) for name in ("seconds", "low", "high")]
    ratio = "" if step["ratio"] is None else f"{_digits(step['ratio'])} ×"
    return (step["step"], *times, size(step["memory"]), size(step["disk"]), step["limit"] or "", ratio)


def _digits(value: float) -> str:
    """Write a number with two digits that count."""
    return f"{float(f'{value:.2g}'):,g}"


def _time(seconds: float | None) -> str:
    from prune.core.safe_text import roughly

    return "–" if seconds is None else roughly(seconds)


def _aligned(rows: Sequence[Row]) -> Iterable[str]:
    wide = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, wide, strict=True))
        yield f"{row[0].ljust(len(first))}  {'  '.join(rest)}".rstrip()


def _measured(result: Mapping[str, Any]) -> list[str]:
    from prune.core.safe_text import counted, number, roughly, size

    machine, of = result["machine"], result["measured"]
    about = "" if result["counted"] or result["samples"] != result["there"] else "about "
    disk = "" if machine["disk"] is None else f", {size(machine['disk'])}/s of the dataset"
    products = f"{_digits(machine['flops'] / 1e9)} GFlop/s on {machine['device']}"
    return [
        f"{about}{counted(result['samples'], 'sample')}, {size(result['bytes'])}; measured on "
        f"{number(of['samples'])} of {number(result['there'])} in {roughly(result['seconds'])}",
        f"{counted(machine['cores'], 'core')}, {size(machine['memory'])} of memory free, {products}, "
        f"{size(machine['copies'])}/s in memory{disk}",
    ]


def _money(result: Mapping[str, Any]) -> list[str]:
    cost = result["in_all"]["cost"]
    if cost is None:
        return []
    likely, low, high = (_digits(cost[name]) for name in ("likely", "low", "high"))
    what = f"{result['gpus']} GPUs each" if result["gpus"] else "no GPU"
    machines = f"{result['machines']} machine{'' if result['machines'] == 1 else 's'}, {what}"
    return [f"cost: about {likely}, from {low} to {high} ({machines}, paid for until the last step ends)"]


def _modes(steps: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (f"{step['step']}: {step['mode']} ({step['why']})" for step in steps if step["mode"] is not None)


def _problems(result: Mapping[str, Any]) -> Iterable[str]:
    from prune.core.safe_text import size

    for step in result["steps"]:
        if not step["fits"]:
            yield f"does not fit: {step['step']}: {step['problem']}"
            if step["advice"]:
                yield f"try: {step['advice']}"
    free, disk = result["disk_free"], result["in_all"]["disk"]
    if free is not None and disk > free:
        yield f"does not fit: the store and the export leave {size(disk)}, {size(free)} are free here"


def _assumptions(result: Mapping[str, Any]) -> Iterable[str]:
    from prune.core.safe_text import number, size
    from prune.core.store_option import in_store

    if result["machines"] > 1:
        alone = ", ".join(step["step"] for step in result["steps"] if step["machines"] == 1)
        yield f"on one machine: {alone}; shared storage gives each machine {size(result['network'])}/s"
    if result["assumed_gpu"] is not None:
        yield f"no GPU here: {result['assumed_gpu']:.0e} operations a second each are assumed, not measured"
    if result["not_foreseen"]:
        look = in_store("prune run --dry-run", result["store"])
        yield f"not foreseen: {', '.join(result['not_foreseen'])}   # {look}"
    if result["samples"] > 100 * result["measured"]["samples"]:
        factor = round(result["samples"] / result["measured"]["samples"])
        yield f"{number(factor)} times what was measured: take the range, not the number"
