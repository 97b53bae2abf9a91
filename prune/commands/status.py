"""`prune status`: what the store holds, what is missing, how big."""

from __future__ import annotations

from typing import Any

from prune.commands import options as o
from prune.commands.console import finish


def status(
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.Device.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Show what the store holds, what is missing, and how big it is."""
    from prune.report.status import status as describe
    from prune.store import Store

    del seed, device  # every command takes them
    result = describe(Store(store))
    finish(result, _lines(result), as_json=json, quiet=quiet)


def _lines(result: dict[str, Any]) -> list[str]:
    from prune.text import counted, number, size

    about = result["dataset"]
    split = f", split {about['split']}" if about["split"] else ""
    lines = [
        f"{result['store']}: {size(result['bytes'])}",
        f"dataset: {counted(about['n'], 'sample')}, "
        f"{counted(about['classes'], 'class')}, {about['format']}{split}",
        f"rejects: {number(result['rejects'])}",
    ]
    for name, why in result["skipped_shards"].items():
        lines.append(f"left out: {name}, which {why}")
    for name, column in result["columns"].items():
        shape = " × ".join(number(length) for length in column["shape"])
        lines.append(f"{name}: {shape} {column['dtype']}, {size(column['bytes'])}")
    for name, chosen in result["selections"].items():
        latest = " (latest)" if name == result["latest"] else ""
        share = 100 * chosen["k"] / chosen["usable"]
        lines.append(f"selection {name}{latest}: {counted(chosen['k'], 'sample')}, {share:.3g} %")
    lines += [f"not finished: {name}" for name in result["unfinished"]]
    return [*lines, *(f"missing: {what}" for what in result["missing"])]
