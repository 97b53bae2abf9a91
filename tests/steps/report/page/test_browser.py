"""The page as a browser shows it; skipped where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune

TAB = 9
FOCUSED = """(() => {
  const one = document.activeElement;
  return one === document.body ? '' : [one.tagName, one.id, one.getAttribute('href')].join(' ');
})()"""
UNSEEN = "[...document.images].filter(one => !(one.complete && one.naturalWidth)).length"
REACHABLE = """[...document.querySelectorAll('a[href], input, [tabindex="0"]')].filter(one =>
  one.type !== 'radio' || one.checked).length"""
RULES = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']"
VIOLATED = f"""axe.run({{runOnly: {RULES}}}).then(found => found.violations.map(one =>
  one.id + ' ' + one.nodes.map(node => node.target + ' ' + node.failureSummary).join(' ')))"""


@pytest.fixture(scope="module")
def page(place: Path) -> Path:
    prune.report(place / "store", selection="hard", out=place / "page.html")
    return place / "page.html"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_the_console_says_nothing(chromium: Any, page: Path, width: int, dark: bool) -> None:
    chromium.open(page, width=width, dark=dark)
    assert chromium.run(UNSEEN) == 0
    assert chromium.run("document.documentElement.scrollWidth") <= width
    assert chromium.said == []


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_breaks_no_rule_of_accessibility(
    chromium: Any, axe: str, page: Path, width: int, dark: bool
) -> None:
    chromium.open(page, width=width, dark=dark)
    chromium.run(f"{axe};0")
    assert chromium.run(VIOLATED) == []


def test_the_theme_changes_by_keyboard(chromium: Any, page: Path) -> None:
    chromium.open(page, width=1440, dark=False)
    paper = "getComputedStyle(document.body).backgroundColor"
    light = chromium.run(paper)
    chromium.run("document.querySelector('#theme-auto').focus()")
    chromium.press("ArrowRight", 39)
    assert chromium.run("document.activeElement.id") == "theme-light"
    assert chromium.run(paper) == light
    chromium.press("ArrowRight", 39)
    assert chromium.run("document.activeElement.id") == "theme-dark"
    assert chromium.run(paper) != light


def test_the_keyboard_reaches_everything(chromium: Any, page: Path) -> None:
    chromium.open(page, width=1440, dark=False)
    wanted = chromium.run(REACHABLE)
    reached = []
    for _ in range(wanted):
        chromium.press("Tab", TAB)
        reached.append(chromium.run(FOCUSED))
    assert "" not in reached
    assert reached[0] == "A  #main"
    assert len([one for one in reached if "./data/" in one]) > 50


@pytest.fixture(scope="module")
def text_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of long, hostile and right-to-left texts, some of them duplicates."""
    place = tmp_path_factory.mktemp("texts")
    kinds = [
        "<b>word</b> " * 600,
        "שלום \u202egnp.exe",
        "a\u0301" + "\u0301" * 300,
        "x" * 3000,
        "line\n" * 30,
    ]
    lines = [json.dumps({"text": f"{kinds[n % 5]} {n % 37}", "label": "ab"[n % 2]}) for n in range(40)]
    (place / "texts.jsonl").write_text("\n".join(lines) + "\n")
    rows = [np.random.default_rng(n % 37).normal(size=4) for n in range(40)]
    np.save(place / "x.npy", np.array(rows, np.float32))
    store = prune.Store(place / "store")
    prune.embed(store, str(place / "texts.jsonl"), features=str(place / "x.npy"))
    prune.select(store, method="semdedup")
    assert prune.report(store, out=place / "page.html")["samples"]["duplicates"]["shown"] == 3
    return place / "page.html"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_fit_and_break_no_rule(
    chromium: Any, axe: str, text_page: Path, width: int, dark: bool
) -> None:
    chromium.open(text_page, width=width, dark=dark)
    chromium.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert chromium.run("document.documentElement.scrollWidth") <= width
    chromium.run(f"{axe};0")
    assert chromium.run(VIOLATED) == []
    assert chromium.said == []


def test_the_rest_of_a_text_opens_by_keyboard(chromium: Any, text_page: Path) -> None:
    chromium.open(text_page, width=390, dark=False)
    shown = "document.querySelector('details .text').checkVisibility()"
    assert not chromium.run(shown)
    chromium.run("document.querySelector('summary').focus()")
    chromium.press(" ", 32)
    assert chromium.run(shown)
