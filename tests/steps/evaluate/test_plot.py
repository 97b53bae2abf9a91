"""The plot of an evaluation: what is drawn, in which order, and the same bytes each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from prune.core.errors import OptionError, OutputError
from prune.steps.evaluate.evaluation_table import EvaluationSummary, EvaluationTable
from prune.steps.evaluate.intervals import Interval
from prune.steps.evaluate.plot import COLOURS, INK, NEUTRAL, draw, figure_of, plot_writer, write_plot


def one(spec: str, fraction: float, mean: float, *, seeds: int = 3, setting: str = "a") -> EvaluationSummary:
    ends = (None, None) if seeds == 1 else (mean - 0.01, mean + 0.01)
    return EvaluationSummary(
        setting=setting,
        spec=spec,
        named=spec,
        fraction=fraction,
        k=round(1000 * fraction),
        protocol="equal steps: 100",
        steps=100,
        model="resnet8",
        seeds=seeds,
        accuracy=Interval(mean=mean, low=ends[0], high=ends[1], seeds=seeds),
        difference=None,
        worst_class="cat",
        worst_accuracy=0.1,
        seconds=1.0,
        cost=2.0,
    )


def table(*summaries: EvaluationSummary) -> EvaluationTable:
    return EvaluationTable((), summaries)


CURVES = (
    one("kcenter", 0.3, 0.72),
    one("kcenter", 0.1, 0.6),
    one("random", 0.3, 0.7),
    one("random", 0.1, 0.61),
    one("everything", 1.0, 0.8),
)


def test_random_comes_first_and_is_neutral_and_everything_lies_across() -> None:
    (axes,) = figure_of(table(*CURVES)).axes
    first, second, across = axes.get_lines()
    assert (first.get_label(), to_hex(first.get_color())) == ("random", NEUTRAL)
    assert (second.get_label(), to_hex(second.get_color())) == ("kcenter", COLOURS[0])
    assert second.get_xdata().tolist() == [10, 30]
    assert second.get_ydata().tolist() == pytest.approx([60, 72])
    assert across.get_ydata() == pytest.approx([80, 80])
    assert to_hex(across.get_color()) == INK
    assert first.get_zorder() < second.get_zorder()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["random", "kcenter", "everything"]
    assert len(axes.collections) == 2  # a band a line
    low, high = axes.get_ylim()
    assert low < 60
    assert high > 80


def test_one_size_has_bars_and_one_seed_has_none() -> None:
    (axes,) = figure_of(table(one("random", 0.3, 0.7), one("kcenter", 0.3, 0.72))).axes
    assert [bars.get_segments()[0][:, 1].tolist() for bars in axes.collections] == [
        pytest.approx([69, 71]),
        pytest.approx([71, 73]),
    ]
    (axes,) = figure_of(table(one("random", 0.3, 0.7, seeds=1))).axes
    assert len(axes.collections) == 0
    assert "95 %" not in axes.get_title(loc="left")


def test_every_setting_has_axes_of_its_own() -> None:
    figure = figure_of(table(one("random", 0.3, 0.7), one("random", 0.3, 0.5, setting="b")))
    assert [axes.get_lines()[0].get_ydata().tolist() for axes in figure.axes] == [
        pytest.approx([70]),
        pytest.approx([50]),
    ]


def test_lines_differ_in_marker_and_beyond_the_colours_in_style() -> None:
    (axes,) = figure_of(table(*(one(f"s{place}", 0.3, 0.5) for place in range(8)))).axes
    drawn = {(line.get_color(), line.get_linestyle()) for line in axes.get_lines()}
    assert len(drawn) == len({line.get_marker() for line in axes.get_lines()}) == 8


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_the_same_bytes_each_time(suffix: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write_plot(table(*CURVES), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    if suffix.lower() == ".png":
        with Image.open(paths[0]) as picture:
            assert min(picture.size) > 500


def test_names_are_text(tmp_path: Path) -> None:
    write_plot(table(one("a$_b$", 0.3, 0.7), one("a\x1b[2J\u202e", 0.3, 0.6)), tmp_path / "x.svg")
    shown = (tmp_path / "x.svg").read_text()
    assert "a$_b$" in shown
    assert "\\x1b[2J\\u202e" in shown


def test_into_axes_of_the_caller_s() -> None:
    axes = Figure().subplots()
    draw(axes, CURVES, neutral="#123456")
    assert to_hex(axes.get_lines()[0].get_color()) == "#123456"


def test_a_place_that_cannot_be_drawn_to_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"--plot a.jpg ends in none of .png, .svg, .pdf"):
        plot_writer(Path("a.jpg"))
    with pytest.raises(OutputError, match="there is no folder"):
        plot_writer(tmp_path / "none" / "a.png")
    plot_writer(tmp_path / "b.SVG")(table(*CURVES))
    assert (tmp_path / "b.SVG").stat().st_size > 1000
