"""Distributions of scores: the axis of skewed ones, in numbers that can be read."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import prune
from prune.steps.report.page.charts.scores import score_charts
from prune.steps.report.page.subject import subject
from prune.steps.settings import DEFAULTS
from prune.store import read_selection

POWERS = {f"{10.0**power:g}" for power in range(-8, 3)}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What stands on the charts of a score over many decades and of an even one."""
    folder = tmp_path_factory.mktemp("scores")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(200, 2)).astype(np.float32))
    store = prune.Store(folder / "store")
    prune.embed(store, str(folder / "x.npy"), features=str(folder / "x.npy"))
    counts = np.r_[np.zeros(150), rng.integers(1, 10, 50)]
    made = {"skewed": 10 ** rng.uniform(-7, 0.5, 200), "even": rng.uniform(size=200), "counts": counts}
    for name, values in made.items():
        rows = [f"{key},{value}\n" for key, value in zip(store.dataset.keys, values, strict=True)]
        (folder / f"{name}.csv").write_text(f"key,{name}\n{''.join(rows)}")
        prune.score(store, imports=str(folder / f"{name}.csv"), high="hard")
    prune.select(store, method="random", fraction=0.3)
    charts = score_charts(subject(store, read_selection(store), DEFAULTS))
    return [[text for text in ElementTree.fromstring(one.svg).itertext() if text.strip()] for one in charts]


def test_decades_are_named_by_plain_numbers_that_do_not_run_into_one_another(words: list[list[str]]) -> None:
    (skewed,) = [chart for chart in words if any("skewed" in text for text in chart)]
    assert not any("$" in text or "\\" in text for text in skewed)
    assert 2 <= len(POWERS & set(skewed)) <= 6


def test_an_even_score_has_an_even_axis(words: list[list[str]]) -> None:
    (even,) = [chart for chart in words if any("even" in text for text in chart)]
    assert {"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"} <= set(even)


def test_counts_that_are_mostly_zero_have_one_that_begins_at_zero(words: list[list[str]]) -> None:
    (counts,) = [chart for chart in words if any("counts" in text for text in chart)]
    assert {"0", "2", "4", "6", "8"} <= set(counts)
    assert not {"0.0001", "0.001", "0.01"} & set(counts)
