"""The colours of the style sheet can be told from what lies behind them, in both themes (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from prune.steps.evaluate import plot
from prune.steps.report.page.charts import svg

STYLE = files("prune.steps.report.page").joinpath("page.css").read_text(encoding="utf-8")
COLOURS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLE)
}
TEXT = ("ink", "muted", "link", "doubt", "kept")
DRAWN = ("kept", "dropped", "chance", *(name for name in COLOURS if name.startswith(("step-", "line-"))))


def _light(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    low, high = sorted([_light(one), _light(two)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_what_is_behind_them(theme: int) -> None:
    for least, names in ((4.5, TEXT), (3.0, DRAWN)):
        for name in names:
            for behind in ("paper", "surface"):
                found = contrast(COLOURS[name][theme], COLOURS[behind][theme])
                assert found >= least, f"{name} on {behind}: {found:.2f}"


def test_every_colour_of_a_chart_is_one_of_the_page() -> None:
    assert plot.COLOURS == svg.LINES
    assert set(svg._VARIABLES.values()) <= set(COLOURS)
