"""The numbers of the page: what was kept, what it cost, where everything comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.safe_text import counted, duration, number, printable, size
from prune.steps.report.page.charts.classes import Balance
from prune.steps.report.page.subject import Subject
from prune.store import outdated_by
from prune.store.layout import COLUMNS, LOCATION, SELECTIONS
from prune.store.unused import size_of
from prune.system import files

Facts = list[tuple[str, str]]  # name, value

_COMMAND = 1500  # characters


def glance(subject: Subject, found: Balance | None, told: tuple[str, str] | None) -> Facts:
    """Return what one wants to know first."""
    about = subject.about
    facts = [
        (f"kept of {counted(total(subject), 'sample')}", number(int(about["k"]))),
        ("share", share(subject)),
    ]
    facts += [told] if told else []
    if found is not None:
        lost = f", {number(found.lost)} of them lost" if found.lost else ", none lost"
        facts.append((f"classes{lost}", number(len(found.classes))))
    if subject.rejects:
        facts.append(("cannot be used", counted(len(subject.rejects), "sample")))
    if len(subject.dataset.held_out):
        facts.append(("held out, to be tested on", counted(len(subject.dataset.held_out), "sample")))
    if subject.partners:
        facts.append(("duplicates", number(len(subject.partners))))
    if subject.about.get("leaks"):
        facts.append(("leaks of held-out data, left out", number(len(subject.leaks))))
    if subject.doubted is not None:
        facts.append((f"labels in doubt, by {subject.doubted.by}", number(len(subject.doubted.rows))))
    return facts


def total(subject: Subject) -> int:
    """Return how many samples could have been kept: those that can be read and are not held out."""
    return int(subject.about["usable"])


def share(subject: Subject) -> str:
    """Return how much of that was kept."""
    usable = total(subject)
    return f"{100 * int(subject.about['k']) / usable:.3g} %" if usable else "–"


def where(subject: Subject) -> str:
    """Return what the dataset is called: the last part of the path to it."""
    try:
        place = str(files.read_record(subject.store.path / LOCATION)["data"])
    except (OSError, ValueError, KeyError):
        return "dataset"
    return printable(Path(place).name or place)


def notices(subject: Subject) -> Iterator[str]:
    """Yield what one must know before one trusts the page."""
    if column := outdated_by(subject.store, subject.chosen):
        yield f"{column} was made again since this selection was chosen by it: {subject.chosen.again}"
    for warning in subject.about.get("warnings", ()):
        yield printable(str(warning))


def command(subject: Subject) -> str:
    """Return the command that made the selection."""
    words = printable(subject.chosen.again)
    return words if len(words) <= _COMMAND else f"{words[:_COMMAND]}…"


def reasons(subject: Subject) -> list[tuple[str, int]]:
    """Return how many samples were left out for which reason, the most frequent first."""
    kept = subject.kept
    counts: dict[str, int] = {}
    for row, why in subject.reasons.items():
        if not kept[row]:
            counts[why] = counts.get(why, 0) + 1
    rest = int(np.count_nonzero(~kept)) - sum(counts.values())
    named = [(printable(why), count) for why, count in counts.items()]
    listed = sorted([*named, *([("not chosen", rest)] if rest else [])], key=lambda one: (-one[1], one[0]))
    return listed[:_REASONS]


_REASONS = 12


def cost(subject: Subject) -> Facts:
    """Return what all of it took."""
    store, facts = subject.store, Facts()
    if store.costs:
        facts.append(("trainings, over all commands", duration(sum(store.costs.values()))))
    for verb, seconds in sorted(store.timings.items()):
        if "total" in seconds:
            facts.append((f"{verb}, the last run", duration(seconds["total"])))
    held = sum(
        size_of(store.path / name) for name in (COLUMNS, SELECTIONS)
    )  # what a scan remembers comes and goes
    facts.append(("store", size(held)))
    return facts


def provenance(subject: Subject) -> Facts:
    """Return from what, by what and how the selection was made, in digests and versions."""
    about, dataset = subject.about, subject.dataset
    facts = [
        (
            "dataset",
            f"{where(subject)}, {dataset.format}{f', {printable(dataset.split)}' if dataset.split else ''}",
        ),
        ("fingerprint of the dataset", about["dataset"]["fingerprint"]),
        ("selection", subject.chosen.name),
        ("method", about["method"]),
        ("options", _words(about.get("options"))),
        ("asked", _words(about.get("asked"))),
        ("seed", str(about["seed"])),
        ("recipe", str(about.get("recipe", "–"))),
        ("digest of the kept keys", about["keys_sha256"]),
    ]
    facts += [(f"chosen by {name}", str(id_)) for name, id_ in sorted(about.get("from", {}).items())]
    facts.append(("device", f"{about.get('device', '–')}, {counted(int(about.get('threads', 1)), 'thread')}"))
    facts += [(name, version) for name, version in sorted(about.get("versions", {}).items())]
    return facts


def _words(mapping: Any) -> str:
    found = [f"{name}={value}" for name, value in sorted((mapping or {}).items())]
    return printable(", ".join(found)) or "–"
