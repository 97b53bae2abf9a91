"""What a notebook shows: tables that are text, charts that are drawn, pandas where it is installed."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_type_hints

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import prune
from prune.core.errors import OptionError
from prune.core.notebook import NoPandasError, html_table
from prune.store import Store

HOSTILE = "<script>x</script>\u202e$a_b$"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Twenty images of two classes, one with a hostile name, scored twice, and a selection."""
    place = tmp_path_factory.mktemp("notebook")
    rows = ["key,mine,other"]
    for label in ("cat", HOSTILE.replace("/", "∕")):
        (place / "data" / label).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (4, 4), (number * 20, 0, 0)).save(place / "data" / label / f"{number}.png")
            rows.append(f"{label}/{number}.png,{number / 7},{-number}")
    (place / "mine.csv").write_text("\n".join(rows))
    store = Store(place / "s")
    prune.score(store, str(place / "data"), imports=str(place / "mine.csv"), high="hard")
    prune.select(store, method="top", score="other", count=6)
    return store


@pytest.fixture
def pictures() -> Iterator[None]:
    from matplotlib import pyplot

    mpl.use("Agg")
    yield
    pyplot.close("all")


class Tags(HTMLParser):
    """The names of the tags, and the words between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_every_word_of_a_table_is_text() -> None:
    found = Tags(html_table(HOSTILE, [HOSTILE], [[HOSTILE], [3]], HOSTILE))
    assert set(found.tags) == {"div", "strong", "table", "tr", "th", "td"}
    assert found.words == [HOSTILE.replace("\u202e", "\\u202e")] * 3 + ["3", found.words[0]]
    assert "table" not in Tags(html_table("nothing", ["a"], [])).tags


def test_a_store_shows_what_it_holds(made: Store, tmp_path: Path) -> None:
    words = Tags(made._repr_html_()).words
    assert any("20 samples, 2 classes, imagefolder" in word for word in words)
    assert {"score.mine", "high: hard", "selection top (latest)", "6 samples", "by top"} <= set(words)
    assert "there is no store at" in Store(tmp_path / "none")._repr_html_()


def test_a_selection_shows_how_it_was_made(made: Store) -> None:
    shown = made.selection()._repr_html_()
    assert "<script>" not in shown
    assert "top: 6 of 20 samples kept (30 %)" in shown
    assert {"score", "other", "count"} <= set(Tags(shown).words)


def test_a_selection_is_a_table(made: Store) -> None:
    chosen = made.selection()
    table = chosen.to_arrow()
    assert table["row"].to_pylist() == chosen.rows.tolist()
    assert table["key"].to_pylist() == chosen.keys.tolist()
    whole = chosen.to_arrow(dropped=True)
    assert (len(whole), whole["selected"].to_pylist().count(True)) == (20, 6)
    assert "score.mine" in whole.column_names


def test_pandas_is_taken_where_it_is(made: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = made.selection()
    if importlib.util.find_spec("pandas") is not None:
        assert chosen.to_pandas()["key"].tolist() == chosen.keys.tolist()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoPandasError, match="pandas is not installed") as wrong:
        chosen.to_pandas()
    assert isinstance(wrong.value, ImportError)
    assert "to_arrow" in wrong.value.hint


@pytest.mark.usefixtures("pictures")
def test_a_plot_counts_what_is_kept_and_dropped(made: Store) -> None:
    left, right = made.selection().plot()
    assert left.get_xlabel() == "other (high: hard)"  # by which it was chosen
    kept, dropped = (sum(bar.get_height() for bar in bars) for bars in left.containers)
    assert (kept, dropped) == (6, 14)
    chosen, rest = ([bar.get_width() for bar in bars] for bars in right.containers)
    assert (sum(chosen), sum(rest)) == (6, 14)
    labels = [label.get_text() for label in right.get_yticklabels()]
    assert sorted(labels) == sorted(["cat", "<script>x<∕script>\\u202e\\$a_b\\$"])
    left.figure.canvas.draw()


@pytest.mark.usefixtures("pictures")
def test_a_plot_goes_where_it_is_told(made: Store) -> None:
    from matplotlib import pyplot

    axes = pyplot.subplots(1, 2)[1]
    assert made.selection().plot("mine", axes=axes) == tuple(axes)
    with pytest.raises(OptionError, match="1 axes for 2 charts"):
        made.selection().plot(axes=axes[:1])
    with pytest.raises(OptionError, match="no score is called 'mane'"):
        made.selection().plot("mane")


@pytest.mark.usefixtures("pictures")
def test_many_classes_are_a_line_and_unlabelled_ones_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32))
    np.save(tmp_path / "y.npy", np.arange(80) % 40)
    of = {"encoder": "precomputed"}
    named = prune.Settings(reading={"labels": str(tmp_path / "y.npy")})
    prune.embed(tmp_path / "many", str(tmp_path / "x.npy"), settings=named, **of)
    prune.select(tmp_path / "many", method="random", count=40)
    (axes,) = Store(tmp_path / "many").selection().plot()
    assert axes.get_ylabel() == "share kept"
    bare = prune.Settings(reading={"no_labels": True})
    prune.embed(tmp_path / "bare", str(tmp_path / "x.npy"), settings=bare, **of)
    prune.select(tmp_path / "bare", method="random", count=40)
    with pytest.raises(OptionError, match="neither a score nor a label"):
        Store(tmp_path / "bare").selection().plot()


@pytest.mark.parametrize("name", [n for n in prune.__all__ if inspect.isfunction(getattr(prune, n))])
def test_help_shows_every_option_with_its_type(name: str) -> None:
    verb = getattr(prune, name)
    assert set(get_type_hints(inspect.unwrap(verb))) >= set(inspect.signature(verb).parameters)
    kinds = {one.kind for one in inspect.signature(verb).parameters.values()}
    assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
