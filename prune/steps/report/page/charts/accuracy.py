"""Accuracy against the fraction kept, as `prune evaluate` draws it, in the colours of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import INK, MUTED, RULE, drawing, svg_of
from prune.steps.report.page.verdicts import TrialGroup

_LEGEND = 3  # names beside one another


def accuracy_charts(groups: Sequence[TrialGroup]) -> Iterator[Chart]:
    """Yield a chart for each setting: model, protocol, test set."""
    from prune.steps.evaluate.plot import draw

    title = "Accuracy by what is kept"
    for place, group in enumerate(groups):
        name = f"accuracy-{place}"
        with drawing(3.4) as (figure, axes):
            draw(axes, group.summaries, neutral=MUTED, ink=INK)
            axes.set_title("", loc="left")  # the table beside it says so
            axes.grid(axis="y", color=RULE, alpha=1)
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=_LEGEND, handlelength=1.6
            )
            yield Chart(name, title, group.caption, svg_of(figure, name, title))
