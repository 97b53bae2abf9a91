"""Plot: accuracy against the fraction kept, a line a selection with its band, beside random and everything.

Random is drawn first, thick and grey, since everything is read against it; all samples are a dotted line.
Colours are told apart by people who do not see all of them (Okabe and Ito), and every line has a marker of
its own, for print without colours.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from prune.core.errors import OptionError, OutputError
from prune.core.safe_text import counted, printable
from prune.steps.evaluate.cell_file import table_writer
from prune.steps.evaluate.evaluation_table import EvaluationSummary, EvaluationTable
from prune.steps.evaluate.training_sets import EVERYTHING, RANDOM
from prune.system import files
from prune.system.os_errors import require_writable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
NEUTRAL, INK = "#7a7a7a", "#1a1a1a"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MARKERS = "sD^vPX*<>"
_TITLE = 75  # characters of a line of the title
_STYLES = ("-", "--", "-.")  # once the colours are through
_RC: Any = {  # names that matplotlib has a type of its own for
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name is text, whatever it holds
    "svg.hashsalt": "prune",  # names of parts are not drawn at random
    "svg.fonttype": "none",
}
_NO_DATES: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}


def table_writers(out: str | Path | None, plot: str | Path | None) -> list[Callable[[EvaluationTable], None]]:
    """Return what writes a table into the files that are asked for; see `table_writer` and `plot_writer`."""
    writers = [] if out is None else [table_writer(Path(out))]
    return [*writers, *([] if plot is None else [plot_writer(Path(plot))])]


def plot_writer(path: Path) -> Callable[[EvaluationTable], None]:
    """Return what draws a table into a file; the name is checked now, before anything is trained.

    Raises
    ------
    OptionError
        The file's name ends in none of `SUFFIXES`.
    OutputError
        Its folder does not exist or takes no files, or it is a folder.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OptionError(f"--plot {path} ends in none of {', '.join(SUFFIXES)}", "--plot accuracy.png")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {path.parent}"
        raise OutputError(f"{path} {what}", "--plot accuracy.png")
    require_writable(path.parent)
    return lambda table: write_plot(table, path)


def write_plot(table: EvaluationTable, path: Path) -> None:
    """Draw a table into a file; the same table gives the same bytes."""
    suffix, out = path.suffix.lower(), io.BytesIO()
    with _looks():
        figure_of(table).savefig(out, format=suffix[1:], dpi=200, metadata=_NO_DATES[suffix])
    files.write(path, out.getvalue())


def figure_of(table: EvaluationTable) -> Figure:
    """Return a figure: a plot for each setting (model, protocol, test set) that the table holds."""
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys(one.setting for one in table.summaries))
    with _looks():
        figure = Figure(figsize=(6.4, 3.9 * max(len(settings), 1)), layout="constrained")
        axes = figure.subplots(max(len(settings), 1), squeeze=False)[:, 0]
        for place, setting in zip(axes, settings, strict=False):
            of = [one for one in table.summaries if one.setting == setting]
            draw(place, of, heading=table.heading(setting))
    return figure


def draw(
    axes: Axes,
    summaries: Sequence[EvaluationSummary],
    *,
    heading: str = "",
    neutral: str = NEUTRAL,
    ink: str = INK,
) -> None:
    """Draw one setting into axes of the caller's.

    Parameters
    ----------
    summaries
        Of one setting; sets of one selection are joined by size.
    heading
        What all of them share, in words: the beginning of the title.
    neutral, ink
        Colours of random and of everything, on the caller's ground.
    """
    lines = _lines(summaries)
    random, everything = lines.pop(RANDOM, []), lines.pop(EVERYTHING, [])
    if random:
        _line(axes, "random", random, _Pen(neutral, "o", width=2.6, rank=2))
    for place, (spec, points) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        style = _STYLES[place // len(COLOURS) % len(_STYLES)]
        _line(axes, printable(spec), points, _Pen(colour, _MARKERS[place % len(_MARKERS)], style))
    if everything:
        level = 100 * everything[0].accuracy.mean
        axes.axhline(level, color=ink, linestyle=":", linewidth=1.2, label="everything", zorder=1)
    _frame(axes, summaries, heading)


def _lines(summaries: Sequence[EvaluationSummary]) -> dict[str, list[EvaluationSummary]]:
    """Return the summaries of each selection by size, in the order in which selections are shown."""
    lines: dict[str, list[EvaluationSummary]] = {}
    for one in sorted(summaries, key=lambda one: one.k):
        lines.setdefault(one.named, []).append(one)
    return lines


@dataclass(frozen=True)
class _Pen:
    """How a line is drawn."""

    colour: str
    marker: str
    style: str = "-"
    width: float = 1.6
    rank: int = 3  # what is over what


def _line(axes: Axes, label: str, points: Sequence[EvaluationSummary], pen: _Pen) -> None:
    """Draw a line with its band; of a single point the interval as a bar."""
    at = [100 * one.fraction for one in points]
    means = [100 * one.accuracy.mean for one in points]
    drawn: dict[str, Any] = {"color": pen.colour, "zorder": pen.rank}
    axes.plot(
        at,
        means,
        pen.style,
        marker=pen.marker,
        markersize=5,
        linewidth=pen.width,
        label=label,
        **drawn,
    )
    known = [one for one in points if one.accuracy.low is not None and one.accuracy.high is not None]
    places = [100 * one.fraction for one in known]
    low, high = (
        [100 * (one.accuracy.low or 0) for one in known],
        [100 * (one.accuracy.high or 0) for one in known],
    )
    if len(known) > 1:
        axes.fill_between(places, low, high, color=pen.colour, alpha=0.16, linewidth=0, zorder=pen.rank - 1)
    elif known:
        axes.vlines(places, low, high, linewidth=1.2, **drawn)


def _frame(axes: Axes, summaries: Sequence[EvaluationSummary], heading: str) -> None:
    """Label the axes, keep bands of few seeds from squeezing the means, and say what is shown."""
    kept = sorted({100 * one.fraction for one in summaries if one.spec != EVERYTHING})
    axes.set_xlabel("kept, % of the samples")
    axes.set_ylabel("test accuracy, %")
    axes.set_xticks(kept, [f"{share:.3g}" for share in kept])
    if summaries:
        axes.set_ylim(*_limits(summaries))
        seeds = sorted({one.seeds for one in summaries})
        trained = counted(seeds[0], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
        bands = "; bands 95 % over seeds" if seeds[-1] > 1 else ""
        title = printable(f"{heading}, {trained}{bands}")
        axes.set_title(fill(title, _TITLE), fontsize="medium", loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.grid(axis="y", linewidth=0.5, alpha=0.35)


def _limits(summaries: Sequence[EvaluationSummary]) -> tuple[float, float]:
    """Return the ends of the axis: all means, and of the bands so much that the means stay apart."""
    means = [100 * one.accuracy.mean for one in summaries]
    ends = [
        100 * end for one in summaries for end in (one.accuracy.low, one.accuracy.high) if end is not None
    ]
    span = max(means) - min(means)
    most, least = 0.35 * span + 1, 0.05 * span + 0.3
    low = max(min([*means, *ends]), min(means) - most) - least
    high = min(max([*means, *ends]), max(means) + most) + least
    return max(low, 0.0), min(high, 100.5)


@contextlib.contextmanager
def _looks() -> Iterator[None]:
    import matplotlib as mpl

    with mpl.rc_context(_RC):
        yield
