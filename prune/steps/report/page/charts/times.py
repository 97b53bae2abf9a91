"""Where the time went: seconds of each stage, as the store remembers them."""

from __future__ import annotations

import numpy as np

from prune.core.safe_text import duration, printable
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import KEPT, MUTED, drawing, svg_of
from prune.steps.report.page.subject import Subject

_MOST = 16  # stages


def stages(subject: Subject) -> list[tuple[str, float]]:
    """Return the seconds of each stage of each verb, in the order of the work, and all else."""
    found: list[tuple[str, float]] = []
    for verb, seconds in sorted(subject.store.timings.items(), key=lambda item: _ORDER.get(item[0], 9)):
        parts = {name: value for name, value in seconds.items() if name != "total"}
        other = seconds.get("total", 0.0) - sum(parts.values())
        found += [(f"{verb}: {printable(name)}", value) for name, value in sorted(parts.items())]
        if other > 0:
            found.append((f"{verb}: all else", other))
    return found


_ORDER = {"embed": 0, "score": 1, "select": 2, "evaluate": 3}


def time_chart(subject: Subject) -> Chart | None:
    """Return the chart; None where the store remembers no times."""
    every = stages(subject)
    shown = sorted(every, key=lambda stage: -stage[1])[:_MOST]
    shown = [stage for stage in every if stage in shown]
    if not shown:
        return None
    title = "Seconds of each stage"
    with drawing(0.7 + 0.24 * len(shown)) as (figure, axes):
        places = np.arange(len(shown))
        axes.barh(places, [seconds for _, seconds in shown], color=KEPT, height=0.66)
        for place, (_, seconds) in enumerate(shown):
            axes.text(seconds, place, f" {duration(seconds)}", va="center", color=MUTED, fontsize=8.5)
        axes.set_yticks(places, [name if len(name) <= 34 else f"{name[:33]}…" for name, _ in shown])
        axes.margins(x=0.2, y=0.02)
        axes.set_xlim(left=0)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("seconds")
        total = sum(seconds for _, seconds in every)
        about = f"{duration(total)} in all, in the last run of each verb that had something to do."
        return Chart("times", title, about, svg_of(figure, "times", title))
