"""Trainings that are carried over: what a network has seen already, and which trainings belong together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.proxy import digests_of, folds_of, grown_rows
from prune.steps.settings import Settings
from prune.store import Store
from tests.growing import BASE, png, write

MLP = {"proxy": "mlp", "size": 8, "epochs": 2, "flip": False}


def relabel(home: Path, name: str) -> None:
    """Move a sample of one class to the other."""
    one, other = sorted(home.glob(f"data/*/{name}.png")), [home / f"data/class{k}" for k in (0, 1)]
    (path,) = one
    path.rename(next(folder for folder in other if folder != path.parent) / path.name)


def test_what_the_proxy_trained_on_before_is_not_called_held_out(
    tmp_path: Path, prune: Callable[..., Any]
) -> None:
    data = write("imagefolder", tmp_path / "data", BASE)
    pipeline.score(tmp_path / "store", data, types=["el2n"], training=MLP)
    relabel(tmp_path, "s1-0")
    gone = next(tmp_path.glob("data/*/s1-1.png"))
    bytes_of = gone.read_bytes()
    gone.unlink()
    about = pipeline.score(tmp_path / "store", data, types=["el2n"])["scores"]["el2n"]
    assert (about["later"], about["trained_on"]) == (1, 1)
    gone.write_bytes(bytes_of)  # back, under another name
    gone.rename(gone.with_name("back.png"))
    relabel(tmp_path, "s1-2")
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    out = prune("score", "--store", tmp_path / "store", "--type", "el2n", data).out
    status = prune("status", "--store", tmp_path / "store").out
    for told in (out, status):
        assert "  1 new sample held out: the proxy never trained on them" in told
        assert "  3 new samples not held out: the proxy trained on the same bytes before" in told
    again = pipeline.score(tmp_path / "store", data, types=["el2n"])
    assert (again["unchanged"], again["scores"]["el2n"]["trained_on"]) == (True, 3)
    about = json.loads(prune("status", "--store", tmp_path / "store", "--json").out)["columns"]["score.el2n"]
    assert (about["later"], about["trained_on"]) == (4, 3)


def test_no_fold_looks_at_what_it_learnt_from_with_another_label_or_before_it_was_removed(
    tmp_path: Path,
) -> None:
    data = write("imagefolder", tmp_path / "data", BASE)
    pipeline.score(tmp_path / "store", data, types=["el2n"], training=MLP, cross_fit=2)
    old = Store(tmp_path / "store").dataset
    folds = folds_of(old, old.usable, 2, 0, 0)
    away = {path: path.read_bytes() for path in sorted(tmp_path.glob("data/*/s2-*.png"))}
    for path in away:
        path.unlink()
    for place in range(4):
        relabel(tmp_path, f"s1-{place}")
    pipeline.score(tmp_path / "store", data, types=["el2n"])
    for path, content in away.items():
        path.write_bytes(content)
    done = pipeline.score(tmp_path / "store", data, types=["el2n"])
    store, looked = Store(tmp_path / "store"), list[int]()
    for number, fold in enumerate(folds):
        rows = grown_rows(store.column(f"trace.0.{number}"))
        assert rows is not None
        assert not np.isin(digests_of(store.dataset, rows[1]), digests_of(old, fold.learnt)).any()
        looked += rows[1].tolist()
    assert sorted(looked) == list(range(15))
    assert (done["growth"]["read"], done["scores"]["el2n"]["samples"]) == (5, 15)


@pytest.mark.parametrize("epochs", [2, 3])
def test_runs_of_an_older_training_do_not_come_back(tmp_path: Path, epochs: int) -> None:
    data = write("imagefolder", tmp_path / "data", BASE)
    pipeline.score(tmp_path / "store", data, types=["el2n"], training=MLP, runs=2)
    (tmp_path / "data/class1/zz.png").write_bytes(png(71))
    pipeline.embed(tmp_path / "store", data, encoder="pixels")
    anew, training = Settings(refresh=True), {**MLP, "epochs": epochs}
    pipeline.score(tmp_path / "store", data, types=["el2n"], training=training, runs=1, settings=anew)
    (tmp_path / "data/class0/yy.png").write_bytes(png(72))
    done = pipeline.score(tmp_path / "store", data, types=["el2n"])
    assert (done["runs"], done["epochs"], done["scores"]["el2n"]["later"]) == (1, epochs, 1)
