"""How much of each class was kept: one bar a class, and a table of the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Array
from prune.core.safe_text import counted, number
from prune.steps.report.page.cards import named
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import DROPPED, KEPT, MUTED, SURFACE, drawing, svg_of
from prune.steps.report.page.subject import Subject

_BARS = 24  # classes with a bar each
_ROWS = 30  # classes in the table
_NAME = 18  # characters beside a bar


@dataclass(frozen=True)
class ClassCount:
    """One class, before and after."""

    name: str
    before: int
    after: int
    share_before: float  # of all samples with a label
    share_after: float  # of the kept ones

    @property
    def kept(self) -> float:
        """The fraction of the class that was kept."""
        return self.after / self.before


@dataclass(frozen=True)
class Balance:
    """All classes that have samples, and those that are listed: where there are many, the extremes."""

    classes: list[ClassCount]
    listed: list[ClassCount]
    lost: int


def balance(subject: Subject) -> Balance | None:
    """Count the classes; None where there are no labels."""
    usable = subject.kept | subject.dropped
    known, count = subject.labels >= 0, len(subject.dataset.classes)
    before = np.bincount(subject.labels[usable & known], minlength=count)
    after = np.bincount(subject.labels[subject.kept & known], minlength=count)
    if not before.sum():
        return None
    shares = before / before.sum(), after / max(1, after.sum())
    classes = [
        ClassCount(named(subject, one), int(before[one]), int(after[one]), *(float(s[one]) for s in shares))
        for one in np.flatnonzero(before).tolist()
    ]
    return Balance(classes, _ends(classes, _ROWS), sum(not one.after for one in classes))


def _ends(classes: list[ClassCount], most: int) -> list[ClassCount]:
    """Return the classes that keep least and most, in the order of their ids, where there are too many."""
    if len(classes) <= most:
        return classes
    order = np.argsort([one.kept for one in classes], kind="stable").tolist()
    shown = {*order[: most // 2], *order[-(most // 2) :]}
    return [one for place, one in enumerate(classes) if place in shown]


def class_chart(found: Balance) -> Chart:
    """Return the chart: kept and dropped, one bar a class."""
    shown = _ends(found.classes, _BARS)
    title = "Samples of each class, kept and dropped"
    with drawing(0.9 + 0.2 * len(shown)) as (figure, axes):
        places = np.arange(len(shown))
        bar: Any = {"height": 0.72, "edgecolor": SURFACE, "linewidth": 0.8}
        kept: Array = np.array([one.after for one in shown])
        rest: Array = np.array([one.before - one.after for one in shown])
        axes.barh(places, kept, color=KEPT, label="kept", **bar)
        axes.barh(places, rest, left=kept, color=DROPPED, label="dropped", **bar)
        for place, one in zip(places.tolist(), shown, strict=True):
            words = f" {100 * one.kept:.0f} %"
            axes.text(one.before, place, words, va="center", color=MUTED, fontsize=8.5)
        axes.set_yticks(places, [_short(one.name) for one in shown])
        axes.margins(x=0.12, y=0.01)
        axes.set_xlim(left=0)
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("samples; the number is the share that was kept")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, handlelength=1)
        return Chart("classes", title, _about(found, len(shown)), svg_of(figure, "classes", title))


def _about(found: Balance, shown: int) -> str:
    every = found.classes
    least, most = min(every, key=lambda one: one.kept), max(every, key=lambda one: one.kept)
    sentence = f"From {100 * least.kept:.3g} % ({least.name}) to {100 * most.kept:.3g} % ({most.name})"
    lost = f"; {counted(found.lost, 'class')} lost" if found.lost else "; no class is lost"
    few = (
        f". Of {number(len(every))} classes, the {shown} that keep least and most"
        if shown < len(every)
        else ""
    )
    return f"{sentence}{lost}{few}."


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
