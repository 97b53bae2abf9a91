"""What a selection cost: the pass of the encoder that it goes by, whichever was used last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import prune
from prune.core.progress import SILENT
from prune.steps.evaluate.costs import scoring_seconds
from prune.steps.settings import Settings
from prune.store import Store

SETTINGS = Settings(device="cpu", reporter=SILENT)


@pytest.fixture(scope="module")
def store(place: Path) -> Store:
    prune.embed(place / "store", encoder="pixels", settings=SETTINGS)
    return Store(place / "store")


def seconds(store: Store, name: str) -> float | None:
    return scoring_seconds(store, {name: store.state["columns"][name]})


def test_scores_of_folds_cost_what_all_folds_cost(place: Path, tmp_path: Path) -> None:
    training = {"proxy": "mlp", "size": 8, "epochs": 2, "flip": False}
    where = {"store": tmp_path / "folds", "data": str(place / "data" / "train")}
    prune.score(**where, types=["aum", "grad_norm_last"], cross_fit=2, training=training, settings=SETTINGS)
    folds = Store(tmp_path / "folds")
    trained = sum(folds.costs[folds.state["columns"][f"trace.0.{fold}"]] for fold in range(2))
    assert trained > 0
    assert seconds(folds, "score.aum") == trained
    assert seconds(folds, "probs.heldout") == trained


def test_the_pass_of_each_encoder_is_its_own(store: Store, tmp_path: Path) -> None:
    took = store.timings["embed"]["total"]
    assert seconds(store, "embedding.pixels") == took
    prune.embed(store, encoder="pixels", settings=SETTINGS)  # which finds it there
    assert seconds(store, "embedding.pixels") == took
    np.save(tmp_path / "own.npy", np.eye(60, 4, dtype=np.float32))
    prune.embed(store, features=str(tmp_path / "own.npy"), settings=SETTINGS)
    assert store.timings["embed"]["total"] != took
    assert seconds(store, "embedding.pixels") == took
    assert seconds(store, "embedding.precomputed") is None  # nobody here knows
    assert scoring_seconds(store, {"score.one": store.state["columns"]["score.one"]}) == 0
