"""Two selections side by side: counts against sets, scores, other stores, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from prune import pipeline
from prune.core.errors import OptionError, OutputError, StoreError
from prune.steps.settings import Settings
from prune.store import Store

CPU = Settings(device="cpu")


def arrays(place: Path, keys: list[str]) -> Path:
    """Return a store of rows with these keys, a score `hard` that rises, and a selection of the hardest."""
    place.mkdir(parents=True)
    rows = "".join(f"{key},{number}\n" for number, key in enumerate(keys))
    (place / "hard.csv").write_text(f"key,hard\n{rows}")
    data = place / "data"
    data.mkdir()
    from PIL import Image

    for number, key in enumerate(keys):
        (data / key).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4), (number * 5, 0, 0)).save(data / key)
    store = place / "s"
    pipeline.score(store, str(data), imports=str(place / "hard.csv"), high="hard", settings=CPU)
    pipeline.select(store, method="top", score="hard", count=8, settings=CPU)
    return store


def keys(first: int, last: int) -> list[str]:
    return [f"{'cat' if number % 2 else 'dog'}/{number:02d}.png" for number in range(first, last)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = arrays(tmp_path_factory.mktemp("diff") / "one", sorted(keys(0, 24)))
    pipeline.select(place, method="bottom", score="hard", count=10, name="easy", settings=CPU)
    pipeline.select(place, method="random", count=12, name="some", settings=CPU)
    pipeline.select(place, method="random", count=12, name="same", settings=CPU)
    return place


def test_counts_are_those_of_sets(made: Path) -> None:
    store = Store(made)
    found = pipeline.diff(made, "top", "some")
    one, two = (set(store.selection(name).keys.tolist()) for name in ("top", "some"))
    assert (found["both"], found["left"], found["came"]) == (len(one & two), len(one - two), len(two - one))
    assert found["jaccard"] == pytest.approx(len(one & two) / len(one | two))
    assert (found["a"]["k"], found["b"]["method"], found["b"]["n"]) == (8, "random", 24)
    for name in ("cat", "dog"):
        mine = [{key for key in chosen if key.startswith(name)} for chosen in (one, two)]
        told = next(of for of in found["classes"] if of["class"] == name)
        assert (told["a"], told["b"], told["both"]) == (*map(len, mine), len(mine[0] & mine[1]))
        union = mine[0] | mine[1]
        assert told["churn"] == pytest.approx(1 - len(mine[0] & mine[1]) / len(union) if union else 0)
    assert set(found["examples"]["left"]) <= one - two
    assert set(found["examples"]["came"]) <= two - one


def test_the_score_that_moved_is_named(made: Path) -> None:
    hard = pipeline.diff(made, "top", "easy")["scores"]["hard"]
    assert (hard["left"], hard["both"], hard["came"]) == (np.arange(16, 24).mean(), None, 4.5)
    assert hard["apart"] == pytest.approx((4.5 - 19.5) / np.arange(24).std())
    assert hard["high"] == "hard"
    back = pipeline.diff(made, "easy", "top")["scores"]["hard"]
    assert back["apart"] == pytest.approx(-hard["apart"])


def test_equal_selections_have_nothing_that_moved(made: Path, elsewhere: Path, prune: Any) -> None:
    found = pipeline.diff(made, "some", "same", out="moved.csv")
    assert (found["jaccard"], found["left"], found["came"]) == (1.0, 0, 0)
    assert len(pyarrow.csv.read_csv("moved.csv")) == 0
    assert "they keep the same samples" in prune("diff", "some", "same", "--store", str(made)).out
    assert json.loads(prune("diff", "some", "same", "--store", str(made), "--json").out)["both"] == 12


def test_rows_that_moved_are_written(made: Path, elsewhere: Path) -> None:
    found = pipeline.diff(made, "top", "some", out="moved.parquet")
    table = pq.read_table("moved.parquet").to_pylist()
    assert len(table) == found["left"] + found["came"]
    assert {row["moved"] for row in table if row["rank_b"] is None} == {"left"}
    assert {row["moved"] for row in table if row["rank_a"] is None} == {"came"}
    assert pipeline.diff(made, "top", "some", out="moved.parquet")["unchanged"]
    with pytest.raises(OutputError, match="not this table"):
        pipeline.diff(made, "top", "easy", out="moved.parquet")
    with pytest.raises(OptionError, match=r"moved\.txt is neither"):
        pipeline.diff(made, "top", "easy", out="moved.txt")


def test_another_store_is_compared_by_key(made: Path, tmp_path: Path) -> None:
    other = arrays(tmp_path / "two", sorted(keys(12, 36)))
    found = pipeline.diff(made, "top", f"{other}:top")
    one, two = (set(Store(place).selection("top").keys.tolist()) for place in (made, other))
    assert (found["both"], found["left"], found["came"]) == (len(one & two), len(one - two), len(two - one))
    assert found["b"]["store"] == str(other)
    assert pipeline.diff(made, "top", f"{other}:")["b"]["selection"] == "top"
    strangers = arrays(tmp_path / "three", sorted(keys(40, 60)))
    with pytest.raises(OptionError, match="share no sample"):
        pipeline.diff(made, "top", f"{strangers}:top")
    with pytest.raises(StoreError, match="there is no store"):
        pipeline.diff(made, "top", f"{tmp_path / 'nowhere'}:top")
    with pytest.raises(OptionError, match="compares two selections") as wrong:
        pipeline.diff(made, "top")
    assert wrong.value.hint.endswith(" easy same")
    with pytest.raises(StoreError, match="no selection called 'tap'"):
        pipeline.diff(made, "top", "tap")


def test_the_terminal_shows_columns(made: Path, prune: Any) -> None:
    lines = prune("diff", "top", "easy", "--store", str(made)).out.splitlines()
    assert lines[0] == "top → easy: 8 and 10 kept; 0 in both, 8 left, 10 came (Jaccard 0.000)"
    assert lines[1].split() == ["class", "in", "A", "in", "B", "both", "left", "came", "churn"]
    assert lines[2].split()[-2:] == ["100", "%"]
    assert any(line.startswith("hard ") and line.endswith("hard") for line in lines)
