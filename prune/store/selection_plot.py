"""A selection as a picture: kept against dropped over a score, and class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.column_name import ColumnName, scores_among
from prune.core.errors import OptionError, UnknownNameError
from prune.core.safe_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 50
_NAMED = 30  # classes that have room for a name
_KEPT, _DROPPED = "tab:blue", "tab:gray"
_ABOVE: dict[str, Any] = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "ncols": 2, "frameon": False}


def plot_selection(
    manifest: pa.Table, about: Mapping[str, Any], score: str | None, axes: Sequence[Axes] | None
) -> tuple[Axes, ...]:
    """Draw a histogram of a score, kept and dropped, and how many of each class are kept.

    Raises
    ------
    OptionError
        There is no such score, neither a score nor a label, or not as many axes as charts.
    """
    name = _score(manifest, about, score)
    labelled = manifest["label"].null_count < len(manifest)
    charts = (name is not None) + labelled
    if not charts:
        raise OptionError("there is neither a score nor a label to draw", "prune score --type el2n DATA")
    if axes is None:
        from matplotlib import pyplot

        figure, made = pyplot.subplots(1, charts, figsize=(5 * charts, 3.5), squeeze=False)
        figure.set_layout_engine("constrained")
        axes = tuple(made[0])
    if len(axes) != charts:
        raise OptionError(f"{len(axes)} axes for {charts} charts", f"axes of pyplot.subplots(1, {charts})")
    kept = manifest["selected"].to_numpy()
    if name is not None:
        _draw_score(axes[0], manifest[ColumnName.score(name)].to_numpy(), kept, name, about)
    if labelled:
        _draw_classes(axes[-1], manifest["label_name"], kept)
    return tuple(axes)


def _score(manifest: pa.Table, about: Mapping[str, Any], asked: str | None) -> str | None:
    """Return the score asked for; else the one that decided, else the first there is."""
    known = [name.of for name in scores_among(manifest.column_names)]
    if asked is not None:
        if asked not in known:
            raise UnknownNameError("score", asked, known)
        return asked
    decided = [name.of for name in scores_among(about.get("from", {})) if name.of in known]
    return next(iter([*decided, *known]), None)


def _draw_score(
    axes: Axes, scores: np.ndarray[Any, Any], kept: np.ndarray[Any, Any], name: str, about: Mapping[str, Any]
) -> None:
    finite = np.isfinite(scores)
    values = scores[finite].astype(np.float64)
    edges = np.histogram_bin_edges(values, _BINS) if len(values) else np.linspace(0, 1, _BINS + 1)
    parts = [values[kept[finite]], values[~kept[finite]]]
    axes.hist(parts, bins=edges.tolist(), stacked=True, color=[_KEPT, _DROPPED], label=["kept", "dropped"])
    high = about.get("directions", {}).get(name)
    axes.set_xlabel(_plain(f"{name} (high: {high})" if high else name))
    axes.set_ylabel("samples")
    axes.legend(**_ABOVE)


def _draw_classes(axes: Axes, labels: pa.ChunkedArray, kept: np.ndarray[Any, Any]) -> None:
    coded = labels.combine_chunks().dictionary_encode()
    codes, names = pc.fill_null(coded.indices, -1).to_numpy(), coded.dictionary.to_pylist()
    known = codes >= 0
    chosen = np.bincount(codes[kept & known], minlength=len(names))
    of = np.bincount(codes[known], minlength=len(names))
    if len(names) > _NAMED:
        shares = np.sort(chosen / of)
        axes.step(np.arange(len(shares)), shares, color=_KEPT, where="mid")
        axes.set_xlabel("classes, by share kept")
        axes.set_ylabel("share kept")
        axes.set_ylim(0, 1.02)
        return
    place = np.arange(len(names))
    axes.barh(place, chosen, color=_KEPT, label="kept")
    axes.barh(place, of - chosen, left=chosen, color=_DROPPED, label="dropped")
    axes.set_yticks(place, [_plain(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("samples")
    axes.legend(**_ABOVE)


def _plain(text: str) -> str:
    """Return a name as text: between two dollars nothing is a formula."""
    return printable(text).replace("$", r"\$")
