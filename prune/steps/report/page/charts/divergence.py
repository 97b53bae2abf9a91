"""How far the kept samples are from the target, sample by sample as they were taken."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array
from prune.core.safe_text import number
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import KEPT, MUTED, drawing, svg_of
from prune.steps.report.page.subject import Subject

_POINTS = 400  # of the line: more are not to be told apart on a page
_LEAST = 3  # samples: of fewer there is no line


def divergence_chart(subject: Subject) -> Chart | None:
    """Return the chart; None of a method that knows no divergence, or knows one of every class."""
    last = subject.about.get("facts", {}).get("kl")
    curve = None if not isinstance(last, float) else divergences(subject, last)
    if curve is None or len(curve) < _LEAST or not np.isfinite(curve).all():
        return None
    title = "Divergence to the target"
    lowest = int(curve.argmin())
    shown = np.unique(np.append(np.linspace(0, len(curve) - 1, _POINTS).astype(np.int64), lowest))
    with drawing(2.7) as (figure, axes):
        axes.plot(shown + 1, curve[shown], color=KEPT, linewidth=1.8)
        if lowest < len(curve) - 1:
            axes.axvline(lowest + 1, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
        axes.set_xlabel("samples taken")
        axes.set_ylabel("estimated divergence, nats")
        return Chart("divergence", title, _about(curve, lowest, subject), svg_of(figure, "divergence", title))


def divergences(subject: Subject, last: float) -> Array:
    """Return the divergence after each sample that was taken, from that after the last and the gains."""
    table = subject.chosen.manifest_columns("rank", "gain")
    kept = np.flatnonzero(table["rank"].is_valid().to_numpy())
    ranks = table["rank"].take(kept).to_numpy()
    gains = table["gain"].take(kept).to_numpy().astype(np.float64)[np.argsort(ranks)]
    after: Array = last + np.append(np.cumsum(gains[:0:-1])[::-1], 0.0)
    return after


def _about(curve: Array, lowest: int, subject: Subject) -> str:
    """Say how the line runs, and to what."""
    target = subject.about["facts"].get("target")
    to = f" to {target}" if target else ""
    ends = f"{number(float(curve[0]))} after the first sample and {number(float(curve[-1]))} after all"
    found = f"The estimated Kullback–Leibler divergence{to} is {ends} {number(len(curve))}"
    if lowest == len(curve) - 1:
        return f"{found}, where it is lowest."
    return f"{found}; it is lowest, {number(float(curve[lowest]))}, after {number(lowest + 1)}."
