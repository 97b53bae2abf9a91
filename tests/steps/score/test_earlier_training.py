"""Scores go on with the trace that is there; what trains again says why, and what that takes the place of."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import OptionError, StoreError
from prune.core.progress import SILENT
from prune.steps.settings import Settings
from prune.store import Store

QUICK = {"proxy": "mlp", "epochs": 2, "size": 8}


class Heard:
    """A reporter that remembers what was trained, and what was said."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self.said: list[str] = []

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Any]:
        if what.startswith("training"):
            self.trained.append(what)
        with SILENT.stage(what, total, unit) as advance:
            yield advance

    def say(self, message: str) -> None:
        self.said.append(message)

    @property
    def text(self) -> str:
        return "\n".join(self.said)


Score = Callable[..., Heard]


@pytest.fixture
def score(images: Path, elsewhere: Path) -> Score:
    def run(types: str, training: dict[str, Any] | None = None, *, seed: int = 0, **asked: Any) -> Heard:
        heard = Heard()
        settings = Settings(reporter=heard, device="cpu", seed=seed)
        where = None if Path("store").exists() else str(images)
        pipeline.score("store", where, types=types.split(","), training=training, settings=settings, **asked)
        return heard

    return run


def shown(*kinds: str) -> dict[str, str]:
    return {name: of for name, of in Store("store").state["columns"].items() if name.startswith(kinds)}


@pytest.mark.parametrize(
    ("made", "runs"),
    [
        ({"training": QUICK}, 1),
        ({"training": {**QUICK, "flip": False, "peak_lr": 0.01}}, 1),
        ({"training": QUICK, "seed": 3}, 1),
        ({"training": QUICK, "runs": 2}, 2),
        ({"training": QUICK, "cross_fit": 2}, 1),
        ({"training": QUICK, "on_fraction": "0.5", "seed": 5}, 1),
        ({"training": {**QUICK, "epochs": 6}, "until_stable": 0.6, "runs": 1}, 1),
    ],
)
def test_another_score_takes_the_trace_that_is_there(score: Score, made: dict[str, Any], runs: int) -> None:
    score("aum", **made)
    before = shown("trace.", "embedding.", "probs")
    heard = score("loss")
    assert heard.trained == []
    assert "as the trace that is there: mlp, " in heard.text
    assert shown("trace.", "embedding.", "probs") == before
    made_of = Store("store").column("score.loss").recipe
    assert made_of["runs"] == runs
    assert set(made_of["from"].items()) <= set(before.items())


def test_an_option_that_agrees_with_the_trace_trains_nothing(score: Score) -> None:
    score("el2n", {**QUICK, "flip": False})
    for training in ({"epochs": 2}, {"proxy": "mlp"}, {"size": 8}, {"flip": False}):
        assert score("loss", training).trained == [], training


def test_what_is_not_said_is_as_before(score: Score) -> None:
    score("el2n", {**QUICK, "flip": False})
    heard = score("el2n", {"epochs": 3})
    assert heard.trained == ["training mlp, run 0"]
    recipe = Store("store").column("trace.0").recipe["training"]
    assert (recipe["epochs"], recipe["size"], recipe["flip"]) == (3, 8, False)
    assert score("el2n", runs=2).trained == ["training mlp, run 1"]
    assert Store("store").column("trace.1").recipe["training"]["epochs"] == 3


def test_training_anew_says_why_and_what_it_takes_the_place_of(score: Score) -> None:
    score("el2n,aum", QUICK)
    pipeline.select("store", method="top", score="el2n", count=5, name="by_el2n")
    pipeline.select("store", method="top", score="aum", count=5, name="by_aum")
    heard = score("el2n", {"epochs": 3, "flip": False})
    assert "--epochs 2 → 3" in heard.text
    assert "--flip yes → no" in heard.text
    assert "as the trace that is there took" in heard.text  # how long: its rate is known
    replaced = next(said for said in heard.said if said.startswith("replaced: "))
    for name in ("embedding.proxy", "probs", "score.el2n", "trace.0"):
        assert name in replaced
    assert any(said.startswith("stale then") and said.endswith("selection by_el2n") for said in heard.said)
    assert (
        "score.aum stays of the training before; prune score --store store --type aum follows" in heard.said
    )
    assert score("aum").trained == []
    assert Store("store").column("score.aum").recipe["from"] == shown("trace.")


def test_the_first_training_says_that_there_is_no_trace(score: Score) -> None:
    heard = score("el2n", QUICK)
    assert "training mlp, 2 epochs: there is no trace yet" in heard.said
    assert not any(said.startswith("replaced") for said in heard.said)


def test_another_proxy_starts_from_its_own_defaults(score: Score) -> None:
    score("el2n", {**QUICK, "peak_lr": 0.01})
    heard = score("el2n", {"proxy": "lenet", "epochs": 1})
    assert "--proxy mlp → lenet" in heard.text
    assert Store("store").column("trace.0").recipe["training"]["peak_lr"] == 0.05


def test_a_part_becomes_all_where_that_is_said(score: Score) -> None:
    score("el2n", QUICK, on_fraction="0.5")
    assert score("el2n", on_fraction="1").trained == ["training mlp, run 0"]
    assert "share" not in Store("store").column("trace.0").recipe
    with pytest.raises(OptionError, match="has trained several") as caught:
        score("el2n", cross_fit=2)
        score("cal", on="proxy")
    assert caught.value.hint.startswith("prune score --type cal --on-fraction 1 ")


def test_gradients_of_a_trace_stay_beside_other_scores_of_it(score: Score) -> None:
    score("grad_norm", QUICK)
    heard = score("loss")
    assert "grad_norm.0" in Store("store").columns
    assert not any(said.startswith(("grad_norm", "replaced")) for said in heard.said)
    assert any(
        said.startswith("grad_norm: the gradient of every sample") for said in score("grad_norm", runs=2).said
    )


def test_a_trace_of_another_device_and_version_is_as_good(
    score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    score("el2n", QUICK)
    before = shown("trace.", "probs", "embedding.")
    monkeypatch.setattr("prune.proxy.run.precision_of", lambda _: "bfloat8")
    monkeypatch.setattr("prune.proxy.run.VERSION", 99)
    assert score("loss,grad_norm").trained == []
    assert shown("trace.", "probs", "embedding.") == before


def test_what_made_a_trace_is_remembered_in_full(score: Score) -> None:
    score("el2n", {**QUICK, "flip": False}, seed=3)
    score("loss", runs=2)
    command = Store("store").commands["trace.1"]
    assert command == (
        "prune score --type loss --runs 2 --proxy mlp --proxy-size 8 --epochs 2 --no-flip --seed 3 "
        "--device cpu"
    )


def test_a_trace_that_tells_nothing_is_not_replaced_by_the_default(score: Score) -> None:
    score("el2n", QUICK)
    folder = next(Path("store/columns/trace.0").iterdir())
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(StoreError, match=r"trace\.0 of store is missing or damaged") as caught:
        score("loss")
    assert (
        caught.value.hint
        == "prune score --store store --type el2n --proxy mlp --proxy-size 8 --epochs 2 --device cpu"
    )
    assert score("el2n", QUICK).trained == ["training mlp, run 0"]


def test_an_imported_score_names_what_it_takes_the_place_of(score: Score, images: Path) -> None:
    score("input_norm")
    keys = Store("store").dataset.keys
    for value in (1, 2):
        lines = [f"{key},{value * place}" for place, key in enumerate(keys)]
        Path("mine.csv").write_text("key,mine\n" + "\n".join(lines))
        heard = Heard()
        pipeline.score("store", imports="mine.csv", settings=Settings(reporter=heard))
    assert "replaced: score.mine" in heard.said


def test_a_finished_trace_that_is_no_longer_shown_is_taken(score: Score, images: Path) -> None:
    score("el2n", QUICK)
    before = shown("trace.", "probs")
    Path("store/store.json").unlink()
    pipeline.embed("store", str(images), encoder="pixels")
    assert score("loss").trained == []
    assert shown("trace.", "probs") == before
