"""A map of the embedding: samples in two dimensions, coloured by kept and by score."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import ColumnName
from prune.core.safe_text import number
from prune.steps.report.page.charts.chart import Chart
from prune.steps.report.page.charts.svg import DROPPED, KEPT, STEPS, SURFACE, drawing, svg_of
from prune.steps.report.page.subject import Subject
from prune.steps.report.page.vectors import vectors_of

POINTS = 2000  # that are drawn, of however many
_FEWEST = 16  # for UMAP


def map_charts(subject: Subject) -> Iterator[Chart]:
    """Yield the map by kept, and by the first score."""
    column = subject.embedding
    if column is None:
        return
    rows = subject.draw(np.flatnonzero(subject.kept | subject.dropped), POINTS, 6)
    vectors = vectors_of(column, rows)
    sound = np.isfinite(vectors).all(1)
    rows, vectors = rows[sound], vectors[sound]
    if len(rows) < 3:
        return
    places, how = projected(vectors, subject.settings.seed)
    drawn = f"{number(len(rows))} of {number(len(subject.dataset))} samples" + (
        ", drawn at random" if len(rows) < len(subject.dataset) else ""
    )
    about = f"{drawn}, in {column.name}; {how}."
    yield _by_kept(places, subject.kept[rows], about)
    if subject.scores:
        yield _by_score(subject, places, rows, subject.scores[0])


def projected(vectors: Array, seed: int) -> tuple[Array, str]:
    """Return (n, 2) places, and how they were found: UMAP where it is installed, else the two main axes."""
    if importlib.util.find_spec("umap") is not None and len(vectors) >= _FEWEST:
        return _umap(vectors, seed), "by UMAP"
    return _main_axes(vectors)


def _main_axes(vectors: Array) -> tuple[Array, str]:
    """Project on the two directions in which the samples differ most."""
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    scale = np.abs(centred).max() or 1.0
    centred /= scale
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 1)))
    axes *= np.where(axes[np.abs(axes).argmax(0), np.arange(2)] < 0, -1, 1)  # either sign would do
    share = float(values[::-1][:2].sum() / max(values.sum(), np.finfo(float).tiny))
    return centred @ axes, f"its two main axes (PCA), which hold {100 * min(share, 1):.0f} % of the variance"


def _umap(vectors: Array, seed: int) -> Array:
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread
        near = min(15, len(vectors) - 1)
        found = umap.UMAP(n_neighbors=near, random_state=seed % 2**32, n_jobs=1).fit_transform(vectors)
    return np.asarray(found, np.float64)


def _by_kept(places: Array, kept: Array, about: str) -> Chart:
    parts = [("dropped", places[~kept], DROPPED, 5.0), ("kept", places[kept], KEPT, 9.0)]
    return _scatter("map-kept", "Kept and dropped", about, parts)


def _by_score(subject: Subject, places: Array, rows: Rows, score: ColumnName) -> Chart:
    """Colour by fifths of the score: outliers do not take all the colours."""
    values = subject.values(score)[rows]
    finite = np.isfinite(values)
    edges = np.quantile(values[finite], [0.2, 0.4, 0.6, 0.8]) if finite.any() else np.zeros(4)
    fifth = np.searchsorted(edges, values, side="right")
    names = ("lowest fifth", "second", "middle", "fourth", "highest fifth")
    parts = [(name, places[finite & (fifth == place)], STEPS[place], 7.0) for place, name in enumerate(names)]
    high = subject.high(score)
    about = f"The same places, coloured by fifths of {score.of}" + (f" (high: {high})." if high else ".")
    return _scatter("map-score", f"By {score.of}", about, parts)


def _scatter(name: str, title: str, about: str, parts: list[tuple[str, Array, str, float]]) -> Chart:
    with drawing(3.9) as (figure, axes):
        for label, places, colour, size in parts:
            axes.scatter(
                places[:, 0],
                places[:, 1],
                s=size,
                color=colour,
                label=label,
                edgecolors=SURFACE,
                linewidths=0.2,
            )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        columns = len(parts) if len(parts) < 3 else 3
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=columns,
            markerscale=2,
            handletextpad=0.1,
            borderaxespad=0,
        )
        return Chart(name, title, about, svg_of(figure, name, f"Map of the embedding. {title}. {about}"))
