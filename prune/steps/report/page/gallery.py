"""Which samples are looked at: some that were kept, some that were dropped, the ends of a score, doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.column_name import SUSPECT_RANK, ColumnName
from prune.core.directions import hard_end
from prune.core.safe_text import counted, number, printable
from prune.scorers import SCORERS
from prune.steps.report.page.subject import Subject

EACH = 18  # samples of a grid
PAIRS = 12  # duplicates, with their partners


@dataclass(frozen=True)
class Grid:
    """Samples under one heading."""

    name: str  # unique in the page; in links
    title: str
    about: str
    rows: Rows
    partners: Rows | None = None  # what each stands beside
    notes: Mapping[int, str] = field(default_factory=dict)  # row -> a few words more
    likely: Mapping[int, tuple[int, float]] | None = None  # row -> class and probability; empty: by the proxy


def grids(subject: Subject) -> Iterator[Grid]:
    """Yield the grids that there is something for."""
    every = (_kept, _dropped, _hardest, _easiest, _suspects, _duplicates, _leaks)
    for grid in (make(subject) for make in every):
        if grid is not None and len(grid.rows):
            yield grid


def _kept(subject: Subject) -> Grid:
    rows = np.flatnonzero(subject.kept)
    return Grid("kept", "Kept", _some(len(rows), "kept"), subject.draw(rows, EACH, 1))


def _dropped(subject: Subject) -> Grid:
    rows = np.flatnonzero(subject.dropped)
    return Grid("dropped", "Dropped", _some(len(rows), "dropped"), subject.draw(rows, EACH, 2))


def _some(count: int, what: str) -> str:
    if count <= EACH:
        return f"All {counted(count, 'sample')} that were {what}."
    return f"{EACH} of {counted(count, 'sample')} that were {what}, drawn at random."


def _hardest(subject: Subject) -> Grid | None:
    return _end(subject, hard=True)


def _easiest(subject: Subject) -> Grid | None:
    return _end(subject, hard=False)


def _end(subject: Subject, *, hard: bool) -> Grid | None:
    """Return the samples at one end of the first score that says which end is hard."""
    score = next((name for name in subject.scores if hard_end(subject.high(name))), None)
    if score is None:
        return None
    low = (hard_end(subject.high(score)) == "low") is hard
    rows = _first(subject.values(score), low=low)
    kept = int(np.count_nonzero(subject.kept[rows]))
    name = "hardest" if hard else "easiest"
    about = f"The {'lowest' if low else 'highest'} {score.of}; {number(kept)} of these {len(rows)} were kept."
    return Grid(name, name.capitalize(), about, rows)


def _first(values: Scores, *, low: bool) -> Rows:
    """Return the rows of the lowest or highest finite values, in their order; equal ones by row."""
    rows = np.flatnonzero(np.isfinite(values))
    keys = values[rows] if low else -values[rows]
    first: Rows = rows[np.argsort(keys, kind="stable")[:EACH]]
    return first


def _suspects(subject: Subject) -> Grid | None:
    """Return the labels in doubt; where none is, or nothing says so, those to look at first."""
    doubted = subject.doubted
    if doubted is None or not len(doubted.rows):
        return _ranked(subject)
    shown = doubted.rows[:EACH]
    first = f"; the first {EACH} are shown" if len(shown) < len(doubted.rows) else ""
    about = f"{counted(len(doubted.rows), 'label')} in doubt ({doubted.rule}){first}. " + (
        "The proxy learnt from these samples, and may know wrong labels by heart."
        if doubted.held_out is False
        else "The given class, and what is likelier."
    )
    classes, surely = doubted.likely[:EACH].tolist(), doubted.confidence[:EACH].tolist()
    likely = dict(zip(shown.tolist(), zip(classes, surely, strict=True), strict=True))
    return Grid("suspects", "Labels in doubt", about, shown, likely=likely)


def _ranked(subject: Subject) -> Grid | None:
    """Return the labels to look at first, by the score that knows best."""
    ranks = [name for name in map(ColumnName, subject.store.columns) if name.part == SUSPECT_RANK]
    if not ranks:
        return None
    known = {name: SCORERS[name.of].by_wrong_labels for name in ranks if name.of in SCORERS}
    best = max(ranks, key=lambda name: known.get(name, (False, 0.0)))
    values = subject.store.column(best).read().astype(np.float32)
    values[values < 0] = np.nan
    about = f"Labels to look at first, by {ColumnName(best).of}: the given class, and what the proxy sees."
    return Grid("suspects", "Labels to look at", about, _first(values, low=True), likely={})


def _duplicates(subject: Subject) -> Grid | None:
    rows = np.array(sorted(subject.partners), np.int64)
    if not len(rows):
        return None
    shown = subject.draw(rows, PAIRS, 3)
    partners = np.array([subject.partners[row] for row in shown.tolist()], np.int64)
    about = f"{counted(len(rows), 'sample')} beside the one that each is like" + (
        "." if len(rows) <= PAIRS else f"; {PAIRS} of them, drawn at random."
    )
    return Grid("duplicates", "Duplicates", about, shown, partners)


def _leaks(subject: Subject) -> Grid | None:
    rows = np.array(sorted(subject.leaks), np.int64)
    shown = subject.draw(rows, EACH, 7)
    about = f"{counted(len(rows), 'sample')} that stand in held-out data too" + (
        "." if len(rows) <= EACH else f"; {EACH} of them, drawn at random."
    )
    notes = {row: f"held out: {printable(subject.leaks[row])}" for row in shown.tolist()}
    return Grid("leaks", "Leaks", about, shown, notes=notes)
