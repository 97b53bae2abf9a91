"""What a scan found, in one line and as fields: samples, classes, split, and what was passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prune.core.safe_text import counted
from prune.store import Dataset

_SHOWN = 8  # kinds of what was passed over; the fields have all


def account(dataset: Dataset) -> dict[str, Any]:
    """Return what a scan found, JSON-able."""
    return {
        "n": len(dataset),
        "classes": len(dataset.classes),
        "format": dataset.format,
        "split": dataset.split,
        "held_out": len(dataset.held_out),
        "passed_over": dict(_by_count(dataset.passed_over)),
    }


def scan_line(place: str, dataset: Dataset) -> str:
    """Say what a scan of `place` found."""
    classes = counted(len(dataset.classes), "class") if dataset.classes else "no labels"
    split = f", split {dataset.split}" if dataset.split else ""
    held = f", {len(dataset.held_out):,} of them held out" if dataset.holdout else ""
    found = f"{place}: {counted(len(dataset), 'sample')}{held}, {classes}{split} ({dataset.format})"
    kinds = _by_count(dataset.passed_over)
    if not kinds:
        return found
    shown = [f"{count:,} {_plural(kind) if count > 1 else kind}" for kind, count in kinds[:_SHOWN]]
    rest = sum(count for _, count in kinds[_SHOWN:])
    more = [f"{rest:,} of {len(kinds) - _SHOWN} other kinds"] if rest else []
    return f"{found}; passed over: {', '.join([*shown, *more])}"


def _plural(kind: str) -> str:
    """`folder masks/` as in 2 folders masks/; `.txt` stays as it is."""
    noun, space, rest = kind.partition(" ")
    return f"{noun}s{space}{rest}" if noun in _NOUNS else kind


_NOUNS = {"file", "folder", "link", "member", "row"}


def _by_count(kinds: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda entry: (-entry[1], entry[0]))
