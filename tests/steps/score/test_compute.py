"""Runs, folds, parts and early stops, through the whole of `prune.score`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune import pipeline
from prune.core.epochs import error_epoch
from prune.core.progress import SILENT
from prune.proxy import Trace
from prune.steps.report.agreement import spearman
from prune.steps.settings import Settings
from prune.store import Store

PAIRS = ((0, 1), (0, 2), (1, 2))
QUICK: dict[str, Any] = {"proxy": "mlp", "epochs": 6, "size": 8}


class Stages:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.trained: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        if what.startswith("training"):
            self.trained.append(what)
        return SILENT.stage(what, total, unit)

    def say(self, message: str) -> None:
        """Forget it."""


@pytest.fixture
def score(images: Path, elsewhere: Path) -> Callable[..., tuple[dict[str, Any], list[str]]]:
    """Score forty tiny images; return the result, and what was trained."""

    def run(
        store: str = "store", types: str = "el2n", more: dict[str, Any] | None = None, **asked: Any
    ) -> tuple[dict[str, Any], list[str]]:
        stages = Stages()
        settings = Settings(reporter=stages, device="cpu")
        training = QUICK | (more or {})
        result = pipeline.score(
            store, str(images), types=types.split(","), training=training, settings=settings, **asked
        )
        return result, stages.trained

    return run


def content(store: str) -> dict[str, bytes]:
    root = Path(store) / "columns"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_more_runs_are_added_to_those_there_are(score: Callable[..., Any]) -> None:
    _, trained = score(runs=2)
    assert trained == ["training mlp, run 0", "training mlp, run 1"]
    result, trained = score(runs=3)
    assert trained == ["training mlp, run 2"]
    score("at once", runs=3)
    assert content("store").items() >= content("at once").items()
    store = Store("store")
    at = error_epoch(QUICK["epochs"]) - 1
    each = [Trace(store.column(f"trace.{run}")).fact("error")[at].astype(np.float64) for run in range(3)]
    np.testing.assert_allclose(store.column("score.el2n").read(), np.mean(each, 0), rtol=1e-6)
    np.testing.assert_allclose(store.column("score.el2n.std").read(), np.std(each, 0, ddof=1), rtol=1e-5)
    about = result["scores"]["el2n"]
    assert about["between_runs"] == pytest.approx(np.mean([spearman(each[a], each[b]) for a, b in PAIRS]))


def test_costs_are_remembered(score: Callable[..., Any]) -> None:
    first = score(runs=2, types="grad_norm,el2n")[0]["cost"]
    again, trained = score(runs=2, types="aum")
    assert trained == []
    cost = again["cost"]
    assert cost["proxy"] == first["proxy"] | {"now": 0, "networks": 0}
    assert first["proxy"]["now"] == pytest.approx(first["proxy"]["seconds"] + first["proxy"]["networks"])
    assert cost["next"]["run"] == pytest.approx(cost["proxy"]["seconds"] / 2)
    assert set(cost["scores"]) == {"aum"}
    (Path("store") / "timings.json").unlink()
    assert score(runs=2, types="aum")[0]["cost"]["next"]["run"] is None


def test_runs_are_added_until_the_mean_stands(score: Callable[..., Any]) -> None:
    result, trained = score(types="el2n,aum", until_stable=0.5, runs=3)
    means = [about["of_mean"] for about in result["scores"].values()]
    stands = all(mean is not None and mean >= 0.5 for mean in means)
    assert result["stable"] == {"rho": 0.5, "runs": len(trained), "of": 3, "stands": stands}
    assert len(trained) == result["runs"]
    again, trained = score(types="el2n,aum", until_stable=0.5, runs=3)
    assert trained == []
    assert again["scores"] == result["scores"]
    most, _ = score(types="el2n", until_stable=0.99999, runs=3)
    assert most["stable"] == {"rho": 0.99999, "runs": 3, "of": 3, "stands": False}


def test_epochs_are_added_until_the_ranking_stands(score: Callable[..., Any]) -> None:
    result, trained = score(types="aum", until_stable=0.6, runs=1)
    assert result["stable"]["stands"]
    assert 3 <= result["epochs"] == result["stable"]["epochs"] < 6
    assert trained == ["training mlp, run 0"]
    before = content("store")
    again, trained = score(types="aum", until_stable=0.6, runs=1)
    assert (again["scores"], trained, content("store")) == (result["scores"], [], before)
    other, trained = score(types="grad_norm,el2n", until_stable=0.6, runs=1)
    assert other["epochs"] >= result["epochs"]
    assert Store("store").unfinished == []
    score()
    score("whole")
    assert content("store").items() >= content("whole").items()


def test_an_epoch_that_is_still_to_come_is_waited_for(score: Callable[..., Any]) -> None:
    result, _ = score(until_stable=0.01, runs=1, options=["epoch=5"])
    assert result["epochs"] == 6  # from the fifth on there are scores, and only one pair of them to compare


def test_a_part_is_scored_and_the_rest_filled_in(score: Callable[..., Any], images: Path) -> None:
    result, _ = score(types="el2n,grad_norm,input_norm", on_fraction="0.5", runs=2)
    store = Store("store")
    flags = store.column("score.el2n.extrapolated").read()
    assert flags.sum() == 20 == result["scores"]["el2n"]["extrapolated"]
    assert np.isfinite(store.column("score.el2n").read()).all()
    assert np.array_equal(np.isnan(store.column("score.el2n.std").read()), flags)
    assert np.array_equal(store.column("score.grad_norm.extrapolated").read(), flags)
    assert "score.input_norm.extrapolated" not in store.columns
    assert np.array_equal(np.isnan(Trace(store.column("trace.0")).fact("loss")[0]), flags)
    made = store.column("score.el2n").recipe
    assert made["extrapolated"]["in"] == {"embedding.proxy": store.state["columns"]["embedding.proxy"]}
    pipeline.select("store", method="top", score="el2n", count=5)
    score(on_fraction="1", runs=1)
    assert not any(
        name.endswith((".extrapolated", ".std")) for name in Store("store").columns if "el2n" in name
    )


def test_every_sample_is_scored_by_the_fold_that_left_it_out(score: Callable[..., Any]) -> None:
    result, trained = score(types="el2n,grad_norm", cross_fit=4, runs=2)
    assert len(trained) == 8
    assert result["cross_fit"] == 4
    store = Store("store")
    assert np.isfinite(store.column("trace.1").read()).all()
    assert np.isfinite(store.column("score.grad_norm").read()).all()
    assert result["scores"]["el2n"]["fold_shift"] >= 0
    assert score(types="el2n,grad_norm", cross_fit=4, runs=2)[1] == []
    assert "embedding.proxy" not in store.columns  # there is no proxy that all samples can be seen by
    plain = score("plain", types="el2n")[0]["scores"]["el2n"]["median"]
    assert result["scores"]["el2n"]["median"] > plain  # what was learnt is easy
    score(types="el2n", on_fraction="1", runs=1)
    assert [name for name in Store("store").columns if name.startswith(("trace", "grad"))] == ["trace.0"]
