"""What a selection says of itself on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prune.text import counted, duration, number
from prune.typed import in_store


def summary(result: dict[str, Any], store: Path) -> list[str]:
    """Return the lines to print."""
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
    if cut is None:
        return []
    share = f"{number(cut['samples'])} of {number(cut['of'])} ({100 * cut['share']:.3g} %)"
    return [f"left out as hardest by {cut['by']}: {share}; {cut['rule']}"]


def _found(facts: dict[str, Any]) -> list[str]:
    """What else the method found, on one line; over classes, the mean."""
    shown = []
    for name, value in facts.items():
        plain = value["mean"] if isinstance(value, dict) and "mean" in value else value
        if isinstance(plain, bool | str):
            shown.append(f"{name} {plain}")
        elif isinstance(plain, int | float):
            shown.append(f"{name} {number(plain)}")
    return [f"found: {', '.join(shown)}".replace("_", " ")] if shown else []
