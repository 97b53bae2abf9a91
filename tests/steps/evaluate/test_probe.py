"""The linear probe: logistic regression on standardised features, in the place of a network."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import prune
from prune.core.column_name import CHOICE, EVALUATION, of_kinds
from prune.core.errors import OptionError
from prune.steps.evaluate.results import evaluations
from prune.steps.settings import Settings
from prune.store import Store


class Said:
    """A reporter that remembers what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, what: str, total: int, unit: str = "samples") -> Any:
        return prune.core.progress.SILENT.stage(what, total, unit)

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="module")
def store(place: Path) -> Path:
    """A store with pixels for features, whose kept samples have weights."""
    shutil.copytree(place / "store", place / "probed")
    at = place / "probed"
    prune.embed(at, encoder="pixels", settings=Settings(device="cpu"))
    prune.select(at, method="kcenter", count=12, reweight="cluster", name="weighted")
    return at


def asked(store: Path, **more: Any) -> dict[str, Any]:
    settings = more.pop("settings", Settings(device="cpu"))
    given = {"test": "test", "select": ["kcenter"], "fractions": [0.3], "seeds": 2, "probe": True} | more
    return prune.evaluate(store, **given, settings=settings)


def test_as_scikit_learn_has_it_with_the_weights_of_the_selection(store: Path) -> None:
    found = asked(store, select=["weighted"], fractions=())
    held = Store(store)
    (part,) = (store / "targets").iterdir()
    train, test = (one.column("embedding.pixels").read().astype(np.float64) for one in (held, Store(part)))
    mean, deviation = train.mean(0), train.std(0)
    chosen = held.selection("weighted")
    assert len(np.unique(chosen.weights)) > 1
    model = LogisticRegression(max_iter=1000)
    model.fit(
        (train[chosen.rows] - mean) / deviation,
        held.dataset.labels[chosen.rows],
        sample_weight=chosen.weights / chosen.weights.mean(),
    )
    expected = model.predict((test - mean) / deviation)
    cells = [row for row in found["cells"] if row["spec"] == "weighted"]
    assert [held.column(row["cell"]).read().tolist() for row in cells] == [expected.tolist()] * 2


def test_it_is_said_what_it_is_and_for_whom_it_is_too_kind(store: Path) -> None:
    said = Said()
    found = asked(store, settings=Settings(device="cpu", reporter=said))
    assert (found["model"], found["protocol"]["in_words"]) == ("probe", "fitted to the end")
    assert any("probe" in line and "to fit:" in line for line in said.lines)
    (warning,) = found["warnings"]
    assert warning in said.lines
    assert "kind to selections that cover these features (kcenter" in warning
    assert {row.model for row in evaluations(Store(store)).rows} == {"probe"}
    assert asked(store)["unchanged"] is True


def test_what_has_no_seed_is_fitted_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []
    fit = LogisticRegression.fit

    def counted(self: Any, features: Any, *more: Any, **named: Any) -> Any:
        fitted.append(len(features))
        return fit(self, features, *more, **named)

    monkeypatch.setattr(LogisticRegression, "fit", counted)
    cells = asked(store, fractions=[0.35], seeds=3)["cells"]
    assert len(cells) == 9
    assert sorted(fitted) == [
        21,
        21,
        21,
        21,
        60,
        60,
    ]  # random thrice, kcenter, everything; a fit for its time
    kcenter = {Store(store).column(c["cell"]).read().tobytes() for c in cells if c["spec"] == "kcenter"}
    assert len(kcenter) == 1


def test_a_set_of_one_class_says_that_class(store: Path) -> None:
    top = next(one for one in asked(store, select=["top:one"])["results"] if one["spec"] == "top:one")
    assert top["accuracy"]["mean"] == pytest.approx(1 / 3)


def test_the_proxy_looks_at_the_test_set_itself(place: Path) -> None:
    at = place / "proxied"
    prune.score(
        at,
        str(place / "data"),
        types=["el2n"],
        training={"size": 8, "epochs": 2, "proxy": "mlp"},
        settings=Settings(device="cpu", reading={"split": "train", "holdout": 0.3}),
    )
    found = asked(at, test=None)
    assert "embedding.proxy, of a proxy that learnt from every label," in found["warnings"][0]
    (part,) = (at / "targets").iterdir()
    features = Store(part).column("embedding.proxy").read()
    assert np.isfinite(features).all(1).nonzero()[0].tolist() == Store(at).dataset.held_out.tolist()
    assert of_kinds(Store(at).columns, EVALUATION)
    assert of_kinds(Store(at).columns, CHOICE)


@pytest.mark.parametrize(
    "more", [{"model": "mlp"}, {"steps": 9}, {"size": 8}, {"flip": False}, {"peak_lr": 0.1}]
)
def test_what_is_of_a_network_is_refused(store: Path, more: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="--probe trains no network, so --"):
        asked(store, **more)


def test_features_that_do_not_fit_are_refused_before_anything_is_fitted(store: Path) -> None:
    from prune.steps.evaluate.probe import ProbeTarget

    ProbeTarget.require_memory(1000, 512, 2**30)
    with pytest.raises(OptionError, match="a probe of 1,000,000 samples holds") as refused:
        ProbeTarget.require_memory(1_000_000, 512, 2**30)
    assert refused.value.hint.startswith("--max-memory 20G")
