"""How far samples lie from the nearest kept one, beside what random sets of the same size reach."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.safe_text import number
from prune.steps.report.compare import balanced_random
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import CHANCE, KEPT, drawing, svg_of
from prune.steps.report.page.subject import Subject
from prune.steps.report.page.vectors import vectors_of
from prune.store import Column

_WITNESSES = 1024  # samples that distances are measured from
_WORK = 1e11  # multiplications that a look at the page may cost
_BLOCK = 4096  # kept rows at once: 16 MB of distances


def coverage_chart(subject: Subject) -> Chart | None:
    """Return the chart; None where there is no embedding, or so many were kept that it takes minutes."""
    column = subject.embedding
    kept = np.flatnonzero(subject.kept)
    if column is None or 2.0 * _WITNESSES * len(kept) * column.shape[1] > _WORK:
        return None
    usable = np.flatnonzero(subject.kept | subject.dropped)
    witnesses = subject.draw(usable, _WITNESSES, 4)
    rng = np.random.default_rng([subject.settings.seed, 5])
    chance = balanced_random(subject.labels, usable, len(kept), rng)
    points = vectors_of(column, witnesses)
    sound = np.isfinite(points).all(1)
    points = points[sound]
    ours, theirs = (nearest(points, column, rows) for rows in (kept, chance))
    ours[np.isin(witnesses[sound], kept)] = 0
    theirs[np.isin(witnesses[sound], chance)] = 0
    if not len(points) or not np.isfinite([ours, theirs]).all():
        return None
    return _chart(ours, theirs, str(column.name))


def _chart(ours: Array, theirs: Array, column: str) -> Chart:
    title = "Distance to the nearest kept sample"
    with drawing(2.7) as (figure, axes):
        for distances, colour, label, style in (
            (ours, KEPT, "this selection", "-"),
            (theirs, CHANCE, "random, same size", (0, (4, 2))),
        ):
            share = np.arange(1, len(distances) + 1) / len(distances)
            axes.step(
                np.sort(distances), 100 * share, color=colour, label=label, linestyle=style, linewidth=1.8
            )
        axes.set_ylim(0, 102)
        axes.set_xlabel(f"distance in {column}")
        axes.set_ylabel("% of the samples within")
        axes.legend(loc="lower right")
        means = [number(float(one.mean(dtype=np.float64))) for one in (ours, theirs)]
        most = [number(float(one.max())) for one in (ours, theirs)]
        about = (
            f"On average {means[0]}, at most {most[0]}; a random set of the same size {means[1]}, at most "
            f"{most[1]}; from {number(len(ours))} samples. How well one trains on it, this does not say."
        )
        return Chart("coverage", title, about, svg_of(figure, "coverage", title))


def nearest(points: Array, column: Column, rows: Rows) -> Array:
    """Return the distance of each point to the nearest of these rows of an embedding."""
    squares = np.einsum("id,id->i", points, points)
    least = np.full(len(points), np.inf, np.float32)
    for start in range(0, len(rows), _BLOCK):
        centres = vectors_of(column, rows[start : start + _BLOCK])
        centres = centres[np.isfinite(centres).all(1)]
        if len(centres):
            found = np.einsum("id,id->i", centres, centres)[None] - 2 * points @ centres.T
            np.minimum(least, found.min(1) + squares, out=least)
    distances: Array = np.sqrt(np.maximum(least, 0))
    return distances
