"""The line of the divergence: rebuilt from the gains, beside a direct estimate, and absent elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import prune
from prune.steps.report.page.charts.divergence import divergence_chart, divergences
from prune.steps.report.page.subject import Subject, subject
from prune.steps.settings import DEFAULTS
from prune.store import read_selection


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("divergence")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.normal(size=(60, 3)).astype(np.float32))
    np.save(folder / "wanted.npy", (rng.normal(size=(20, 3)) / 2 + 1).astype(np.float32))
    prune.embed(folder / "store", str(folder / "x.npy"), features=str(folder / "x.npy"))
    return folder


def chosen(place: Path, method: str, count: int, **more: str) -> Subject:
    store = prune.Store(place / "store")
    prune.select(store, method=method, count=count, **more)
    return subject(store, read_selection(store), DEFAULTS)


def test_the_line_ends_where_a_shorter_run_ends(place: Path) -> None:
    target = str(place / "wanted.npy")
    whole = chosen(place, "gio", 30, target=target)
    line = divergences(whole, whole.about["facts"]["kl"])
    assert len(line) == 30
    assert line[-1] == whole.about["facts"]["kl"]
    assert line.min() == pytest.approx(whole.about["facts"]["kl_lowest"], abs=1e-4)
    assert int(line.argmin()) + 1 == whole.about["facts"]["kl_lowest_size"]
    shorter = chosen(place, "gio", 12, target=target)
    assert line[11] == pytest.approx(shorter.about["facts"]["kl"], abs=1e-4)


def test_the_chart_says_what_it_shows(place: Path) -> None:
    chart = divergence_chart(chosen(place, "gio", 30, target=str(place / "wanted.npy")))
    assert chart is not None
    assert "to 20 points" in chart.about
    assert "after all 30" in chart.about
    page = prune.report(place / "store", out=place / "page.html")
    assert page["charts"]["divergence"] == "Divergence to the target"


def test_other_methods_have_none(place: Path) -> None:
    assert divergence_chart(chosen(place, "kcenter", 30)) is None
