"""A scorer that is added to the table is known everywhere by what its row says, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import prune
from prune.commands.score_report import summary
from prune.core.arrays import Scores, Trajectory
from prune.core.errors import DataError, OptionError
from prune.core.method_rows import Scorer
from prune.scorers import SCORERS
from prune.steps.settings import Settings
from prune.store import Store
from prune.trace import TraceWriter

N = 300
HARD = 60  # rows that lie apart from the others
BARE = [3, 7]  # rows without a label
CPU = Settings(device="cpu")
QUICK = {"proxy": "mlp", "epochs": 1, "size": 8}


def made_up(feature_norm: Trajectory, /) -> Scores:
    """Two kinds of samples, whatever the network says of them."""
    scores = np.random.default_rng(0).normal(2, 0.3, feature_norm.shape[1])
    scores[:HARD] += 4
    return scores.astype(np.float32)


def odd(feature_norm: Trajectory, /) -> np.ndarray:
    """Return whether a row is odd."""
    return np.arange(feature_norm.shape[1]) % 2 == 1


Add = Callable[..., Scorer]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Put the made-up scorer into the table."""

    def row(**fields: Any) -> Scorer:
        scorer = Scorer(made_up, **fields)
        monkeypatch.setitem(SCORERS, "made_up", scorer)
        return scorer

    return row


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    np.save(folder / "x.npy", draw.integers(0, 256, (N, 8, 8, 3), dtype=np.uint8))
    np.save(folder / "y.npy", np.arange(N) % 2)
    labels = np.arange(N) % 2
    labels[BARE] = -1
    (folder / "some").mkdir()
    np.save(folder / "some/x.npy", draw.integers(0, 256, (N, 8, 8, 3), dtype=np.uint8))
    np.save(folder / "some/y.npy", labels)
    return folder


@pytest.fixture(scope="module")
def watched(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a trace; scores of it train nothing any more."""
    store = tmp_path_factory.mktemp("watched") / "s"
    prune.score(store, str(pictures / "x.npy"), types=["aum"], training=QUICK, settings=CPU)
    return store


def _read(store: Path, name: str = "made_up") -> np.ndarray:
    return Store(store).column(f"score.{name}").read()


def test_samples_without_a_label_are_scored_where_it_does_not_look_at_labels(
    add: Add, pictures: Path, tmp_path: Path
) -> None:
    words: dict[str, Any] = {"types": ["made_up"], "training": QUICK}
    data, keep = str(pictures / "some/x.npy"), replace(CPU, unlabelled="keep")
    add(high="uncertain")
    with pytest.raises(DataError, match="made_up needs labels, and 2 of 300 samples have none"):
        prune.score(tmp_path / "s", data, settings=CPU, **words)
    prune.score(tmp_path / "s", data, settings=keep, **words)
    assert np.flatnonzero(np.isnan(_read(tmp_path / "s"))).tolist() == BARE
    add(high="uncertain", looks_at_labels=False)
    prune.score(tmp_path / "s", data, settings=CPU, **words)
    assert np.isfinite(_read(tmp_path / "s")).all()


def test_columns_of_labels_and_flags_are_those_of_the_row(add: Add, watched: Path) -> None:
    def columns() -> set[str]:
        prune.score(watched, types=["made_up"], settings=CPU)
        return {name for name in Store(watched).columns if name.startswith("score.made_up.")}

    add(high="uncertain")
    assert columns() == set()
    add(high="hard", looks_at_labels=False)
    assert columns() == set()
    add(high="hard")
    assert columns() == {"score.made_up.suspect_rank"}
    add(high="hard", suspects=True, flags={"odd": odd})
    assert columns() == {f"score.made_up.{one}" for one in ("suspect_rank", "suspect", "odd")}
    assert np.array_equal(_read(watched, "made_up.odd"), np.arange(N) % 2 == 1)
    assert np.flatnonzero(_read(watched, "made_up.suspect")).tolist() == list(range(HARD))
    add(high="hard", suspects=True, loses_beyond=9.0, version=2)
    assert "score.made_up.odd" not in columns()
    assert not _read(watched, "made_up.suspect").any()


def test_the_labels_to_look_at_are_named_by_the_score_that_tells_wrong_ones_best(
    add: Add, watched: Path
) -> None:
    def named() -> str:
        said = prune.score(watched, types=["made_up", "loss"], settings=CPU)
        (line,) = [line for line in summary(said, watched) if line.startswith("labels to look at")]
        return line.partition(", by ")[2].partition(":")[0]

    add(high="hard", wrong_labels=0.99)
    assert named() == "made_up"
    add(high="hard")
    assert named() == "loss"
    add(high="hard", suspects=True)
    assert named() == "made_up"
    add(high="hard", wrong_labels=0.99, looks_at_labels=False)
    assert named() == "loss"


def test_drop_hardest_auto_goes_by_the_row(add: Add, watched: Path) -> None:
    def dropped(**fields: Any) -> int:
        add(high="hard", **fields)
        prune.score(watched, types=["made_up"], settings=CPU)
        words = {"method": "random", "fraction": "0.5", "drop_hardest": "auto", "drop_by": "made_up"}
        return int(prune.select(watched, settings=CPU, **words)["drop_hardest"]["samples"])

    assert dropped() == HARD
    assert dropped(loses_beyond=9.0, version=2) == 0
    with pytest.raises(OptionError, match="doubts labels, and made_up never looks at them"):
        dropped(looks_at_labels=False)


@pytest.mark.parametrize("method", ["top", "bottom"])
@pytest.mark.parametrize("high", ["hard", "easy", "hard and uncertain"])
def test_cautions_go_by_direction_and_row(method: str, high: str, add: Add, watched: Path) -> None:
    add(high=high, caution="made_up is made up")
    prune.score(watched, types=["made_up"], settings=CPU)
    said = prune.select(watched, settings=CPU, method=method, score="made_up", fraction="0.1")["warnings"]
    assert "made_up is made up" in said
    hardest = (method == "bottom") == (high == "easy")
    assert any("keeps the hardest 10 %" in line for line in said) == hardest


def test_one_epoch_of_one_s_own_is_refused_where_it_compares_epochs(add: Add, tmp_path: Path) -> None:
    labels = torch.arange(20) % 2
    logits = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    with TraceWriter(tmp_path / "s", epochs=1, labels=labels) as writer, writer.epoch():
        writer.record(torch.arange(20), logits, features=logits)
    add(high="uncertain", least_epochs=2)
    with pytest.raises(OptionError, match=r"made_up compares epochs, and your own training \(1 epoch\)"):
        prune.score(tmp_path / "s", types=["made_up"], settings=CPU)
    add(high="uncertain")
    prune.score(tmp_path / "s", types=["made_up"], settings=CPU)
    assert len(_read(tmp_path / "s")) == 20
