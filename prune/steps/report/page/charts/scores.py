"""How a score is distributed over what was kept and what was dropped, with the cut where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from prune.core.arrays import Array
from prune.core.column_name import ColumnName
from prune.core.safe_text import number, printable
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import CHANCE, DROPPED, KEPT, MUTED, drawing, svg_of
from prune.steps.report.page.subject import Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 8  # scores
_BINS = 40
_TAIL = 0.001  # of the samples, at either end, that do not stretch the axis
_SKEWED, _DECADES = 0.05, 1e-5  # of the highest: a median below it; the lowest that is told apart
_DECADES_NAMED = 6  # on the axis, at most: more would run into one another
_CUTS = 2  # more than this are no cut


def score_charts(subject: Subject) -> Iterator[Chart]:
    """Yield a chart a score, the one that was chosen by first."""
    for place, name in enumerate(subject.scores[:_MOST]):
        values = subject.values(name).astype(np.float64)
        finite = np.isfinite(values)
        kept, dropped = values[finite & subject.kept], values[finite & subject.dropped]
        if len(kept) + len(dropped):
            yield _chart(subject, f"score-{place}", name, kept, dropped)


def _chart(subject: Subject, name: str, score: ColumnName, kept: Array, dropped: Array) -> Chart:
    found = cuts(kept, dropped)
    edges, skewed = _edges(np.concatenate([kept, dropped]))
    with drawing(2.5) as (figure, axes):
        parts = [np.clip(part, edges[0], edges[-1]) for part in (kept, dropped)]
        if skewed:
            _logarithmic(axes)
        axes.hist(parts, edges.tolist(), stacked=True, color=[KEPT, DROPPED], label=["kept", "dropped"])
        for cut in found:
            axes.axvline(cut, color=CHANCE, linewidth=1.4, linestyle=(0, (4, 2)))
            left = cut == found[0] and len(found) > 1  # the two do not write over one another
            axes.annotate(
                f"cut {number(cut)}",
                (cut, 1),
                (-3 if left else 3, -2),
                ("data", "axes fraction"),
                "offset points",
                ha="right" if left else "left",
                va="top",
                color=MUTED,
            )
        axes.set_xlabel(f"{printable(score.of)}{_meaning(subject, score)}")
        axes.set_ylabel("samples")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, handlelength=1)
        title = f"Distribution of {printable(score.of)}"
        about = _about(kept, dropped, found)
        return Chart(name, title, about, svg_of(figure, name, title))


def _logarithmic(axes: Axes) -> None:
    """Let decades lie side by side, named by plain numbers: 10⁻³ as the library writes it is TeX."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=_DECADES_NAMED))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _edges(values: Array) -> tuple[Array, bool]:
    """Return the edges of the bins, and whether they are as wide as they are far out, on a skewed score."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    high = high if high > low else low + 1
    if low < 0 or not _DECADES < np.median(values) / high <= _SKEWED:  # of most at 0 no decade tells
        return np.linspace(low, high, _BINS + 1), False
    return np.geomspace(max(low, _DECADES * high), high, _BINS + 1), True


def _meaning(subject: Subject, name: ColumnName) -> str:
    high = subject.high(name)
    return f"  (high: {high})" if high else ""


def _about(kept: Array, dropped: Array, found: list[float]) -> str:
    medians = [f"{number(float(np.median(part)))}" if len(part) else "–" for part in (kept, dropped)]
    sentence = f"Median of the kept {medians[0]}, of the dropped {medians[1]}."
    if len(found) == 1:
        return f"{sentence} One cut, at {number(found[0])}, parts them."
    if found:
        where = "between" if found[0] < kept.min() and kept.max() < found[1] else "beyond"
        return f"{sentence} Kept is what lies {where} {' and '.join(map(number, found))}."
    return f"{sentence} No single value parts them."


def cuts(kept: Array, dropped: Array) -> list[float]:
    """Return the one or two values at which kept and dropped part; none where they overlap."""
    values, inverse = np.unique(np.concatenate([kept, dropped]), return_inverse=True)
    in_kept, in_dropped = np.zeros(len(values), bool), np.zeros(len(values), bool)
    in_kept[inverse[: len(kept)]] = True
    in_dropped[inverse[len(kept) :]] = True
    tied = np.flatnonzero(in_kept & in_dropped)  # a cut may go through equal ones
    side = in_kept.astype(np.int8)
    side[tied] = side[np.maximum(tied - 1, 0)]
    turns = np.flatnonzero(np.diff(side))
    if len(tied) > _CUTS or not 0 < len(turns) <= _CUTS:
        return []
    return [float(values[turn] + values[turn + 1]) / 2 for turn in turns]
