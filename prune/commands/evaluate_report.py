"""What `prune evaluate` prints: a row a selection, random first in each size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prune.core.safe_text import counted, duration, printable

_HEADS = ("kept", "selection", "accuracy", "to random", "verdict", "worst class", "training", "in all")


def table_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the table, with what it is about before it and what follows from it after it."""
    from prune.steps.evaluate.protocol import protocol_of

    protocol, test = result["protocol"]["in_words"], result["test"]
    split = f", split {test['split']}" if test["split"] else ""
    noise = f", {100 * result['label_noise']:g} % of the labels wrong" if result["label_noise"] else ""
    about = (
        f"{result['model']}, {protocol}{noise}, {_seeds(result['results'])}, "
        f"accuracy in %{protocol_of(result['protocol']).when_tested} "
        f"on {test['source']}{split}"
    )
    chosen = [f"chosen at {one['in_words']}" for one in result["chosen"]]
    return [about, "", *_table(result["results"]), "", *_notes(result["results"]), *chosen]


def _seeds(found: Sequence[Mapping[str, Any]]) -> str:
    """Say how many seeds the rows have: of those asked for now and of those trained before."""
    counts = sorted({one["accuracy"]["seeds"] for one in found})
    return counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"


def shown_lines(held: Mapping[str, Any]) -> list[str]:
    """Return the tables of all that was evaluated in a store."""
    lines = []
    for one in held["settings"]:
        tested = counted(one["test"]["tested"], "test sample")
        lines += [f"{printable(one['in_words'])}, accuracy in % of {tested}", ""]
        lines += [*_table(one["results"]), ""]
    kind = dict.fromkeys(one["bias"] for one in held["settings"] if one["bias"])
    return [*lines, *_notes([one for setting in held["settings"] for one in setting["results"]]), *kind]


def _table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return _aligned([_HEADS, *(_row(one) for one in found)])


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    from prune.steps.evaluate.intervals import in_percent

    return (
        f"{100 * one['fraction']:.3g} %",
        printable(one["named"]),
        in_percent(*(one["accuracy"][end] for end in ("mean", "low", "high"))),
        _difference(one["difference"]),
        _verdict(one["difference"]),
        f"{100 * one['worst_accuracy']:.1f} ({printable(one['worst_class'])[:20]})",
        "?" if one["seconds"] is None else duration(one["seconds"]),
        "?" if one["cost"] is None else duration(one["cost"]),
    )


def _difference(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    if one["low"] is None:
        return f"{100 * one['mean']:+.2f}"
    return f"{100 * one['mean']:+.2f} [{100 * one['low']:+.2f}, {100 * one['high']:+.2f}]"


def _verdict(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    if one["verdict"] != "not told apart":
        return str(one["verdict"])
    more = one["more_seeds"]
    if more is None:
        return "not told apart" if one["seeds"] > 1 else "one seed tells nothing"
    return f"not told apart; {more} more {'seed' if more == 1 else 'seeds'} would"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    left = {1, 4, 5}  # words; numbers end below one another
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _notes(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what the columns mean, and whether anything is above random."""
    compared = [one for one in found if one["difference"] is not None]
    lines = ["± and [ ]: 95 % over seeds, differences seed by seed; in all: with scoring and selecting"]
    if compared and not any(one["difference"]["verdict"] == "better" for one in compared):
        lines.append("no selection is told to be better than random")
    return lines
