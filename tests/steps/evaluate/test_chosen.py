"""From an evaluation to `select --method auto`: what is remembered, taken, and refused to be guessed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.steps.evaluate.spec import parse_spec
from prune.steps.evaluate.spec_choice import chosen_set
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import QUICK


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
    """A store that chose at 30 %: of one class, of a score, and of three classes."""
    shutil.copytree(place / "store", place / "chosen")
    at = place / "chosen"
    prune.evaluate(at, **asked(select=["top:one", "bottom:one"]), settings=Settings(device="cpu"))
    return at


def asked(**more: Any) -> dict[str, Any]:
    return {"test": "test", "fractions": [0.3], "seeds": 3, "choose": True} | QUICK | more


def auto(store: Path, **more: Any) -> tuple[dict[str, Any], list[str]]:
    said = Said()
    given = {"method": "auto", "fraction": 0.3} | more
    return prune.select(store, **given, settings=Settings(device="cpu", reporter=said)), said.lines


def test_the_latest_selection_is_remembered_by_its_name(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "store", tmp_path / "store")
    prune.select(tmp_path / "store", method="top", score="one", count=9, name="mine")
    trained = {"test": "test", "seeds": 1} | QUICK
    prune.evaluate(tmp_path / "store", **trained, settings=Settings(device="cpu"))
    held = Store(tmp_path / "store")
    made = {held.commands[name] for name in held.columns if name.startswith("evaluation.")}
    assert len(made) == 1
    assert "--select mine" in made.pop()  # another may be the latest when it is run again


def test_where_random_was_chosen_the_set_that_was_drawn_is_evaluated_as_any_other(
    place: Path, tmp_path: Path
) -> None:
    at = tmp_path / "store"
    shutil.copytree(place / "store", at)
    told(at, **{"0_3": "random"})
    made, _ = auto(at)
    assert made["name"] == "random"
    (one,) = prune.check(at, min_delta=-100)["conditions"]
    assert " --select random --seeds 5" in one["advice"]
    settings = Settings(device="cpu")
    found = prune.evaluate(at, test="test", select="random", seeds=5, **QUICK, settings=settings)
    assert [row["named"] for row in found["results"]] == ["random", "random (selection)", "everything"]
    (one,) = prune.check(at, min_delta=-100)["conditions"]
    assert (one["passed"], "5 seeds" in one["detail"]) == (True, True)
    (one,) = prune.check(at, min_delta=100)["conditions"]
    assert not one["passed"]


def told(store: Path, **choices: str) -> None:
    """Put choices into a store, as an evaluation would have found them."""
    known = {
        fraction.replace("_", "."): {"spec": spec, "model": "resnet8", "protocol": "equal steps: 9"}
        for fraction, spec in choices.items()
    }
    Store(store).publish(chosen=known)


@pytest.fixture
def copy(place: Path) -> Any:
    copied = place / "other"
    shutil.copytree(place / "store", copied)
    yield copied
    shutil.rmtree(copied)


def test_random_is_chosen_where_nothing_is_better_and_taken_as_it_was_drawn(store: Path) -> None:
    choice = Store(store).state["chosen"]["0.3"]
    assert (choice["spec"], sorted(choice["compared"])) == ("random", ["bottom:one", "top:one"])
    assert choice["level"] == pytest.approx(0.975)
    about, said = auto(store)
    assert (about["method"], about["k"], about["asked"]["quota"]) == ("random", 18, "proportional")
    assert said[-1].startswith("auto: random, chosen at 30 % kept (mlp, equal steps: 24)") or any(
        line.startswith("auto: random, chosen at 30 % kept (mlp") for line in said
    )
    assert prune.verify(store)["whole"]


def test_an_evaluation_says_what_it_chose_and_is_found_again(store: Path) -> None:
    again = prune.evaluate(store, **asked(select=["top:one", "bottom:one"]), settings=Settings(device="cpu"))
    assert again["unchanged"] is True
    (chosen,) = again["chosen"]
    assert chosen["in_words"].startswith("30 %: random; none of 2 selections is told to be better; ")
    assert again["seeds"] == 3
    with pytest.raises(OptionError, match="--choose wants to know how much to keep"):
        prune.evaluate(store, **asked(fractions=()))


def test_what_was_chosen_is_taken_with_its_options(copy: Path) -> None:
    told(copy, **{"0_2": "top:one,drop_hardest=0.1,quota=equal", "0_5": "random"})
    about, said = auto(copy, fraction=0.25, name="mine")
    assert (about["method"], about["name"], about["k"]) == ("top", "mine", 15)
    assert about["asked"]["score"] == "one"
    assert (about["asked"]["quota"], about["drop_hardest"]["samples"]) == ("equal", 6)
    assert any("chosen at 20 % kept, the nearest size to 25 %" in line for line in said)
    same = prune.select(
        copy,
        method="top",
        score="one",
        fraction=0.25,
        drop_hardest="0.1",
        quota="equal",
        settings=Settings(device="cpu"),
    )
    assert same["keys_sha256"] == about["keys_sha256"]
    assert auto(copy, fraction=None, count=30)[0]["method"] == "random"  # half of 60


def test_nothing_is_guessed(copy: Path) -> None:
    with pytest.raises(StoreError, match="has that at no size") as refused:
        auto(copy)
    assert refused.value.exit_code == 4
    assert "prune evaluate" in refused.value.hint
    assert "--test test --choose --fraction 0.3" in refused.value.hint
    told(copy, **{"0_1": "top:one"})
    with pytest.raises(StoreError, match="has that only at 10 %"):
        auto(copy, fraction=0.3)
    assert auto(copy, fraction=0.15)[0]["method"] == "top"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"score": "one"}, "--score is a part of that"),
        ({"quota": "equal"}, "--quota is a part of that"),
        ({"options": {"seed": 1}}, "--set is a part of that"),
        ({"fraction": None}, "one of --fraction and --count"),
        ({"fraction": "x"}, "--fraction must be over 0"),
    ],
)
def test_what_does_not_go_with_auto_is_refused(copy: Path, more: dict[str, Any], said: str) -> None:
    told(copy, **{"0_3": "top:one"})
    with pytest.raises(OptionError, match=said):
        auto(copy, **more)


CHAIN = "top:one,fraction=0.5>random"


def test_a_chain_is_taken_as_a_selection_each_and_keeps_what_was_evaluated(copy: Path) -> None:
    told(copy, **{"0_3": "top:one,fraction=0.5,within=all>random"})
    with pytest.raises(OptionError, match="--within is a part of that"):
        auto(copy, within="most")
    told(copy, **{"0_3": CHAIN})
    assert auto(copy, dry_run=True)[0] == {"name": "top-random", "plan": None, "unchanged": False}
    assert not Store(copy).state.get("selections")
    about, _ = auto(copy)
    held = Store(copy)
    assert sorted(held.state["selections"], reverse=True) == ["top-random.1", "top-random"]
    assert (about["name"], about["k"], about["within"]["name"]) == ("top-random", 18, "top-random.1")
    spec = parse_spec(CHAIN, (), ["one"], sized=True)
    evaluated = chosen_set(held, spec, "0.3", Settings(device="cpu"))
    assert held.selection().rows.tolist() == evaluated.rows.tolist()
    assert auto(copy)[0]["unchanged"] is True
    first, last = (held.commands[f"selections/{name}"] for name in ("top-random.1", "top-random"))
    assert first == "prune select --method top --fraction 0.5 --score one --name top-random.1 --device cpu"
    assert last.startswith("prune select --method random --fraction 0.3 --within top-random.1 --name")
    assert prune.verify(copy)["whole"]


def test_what_narrows_a_choice_narrows_the_first_of_a_chain(copy: Path) -> None:
    told(copy, **{"0_3": CHAIN})
    prune.select(copy, method="random", fraction=0.9, name="most")
    named = {"name": "mine", "within": "most", "drop_suspects": ["a/19.png"]}
    about, _ = auto(copy, **named)
    held = Store(copy)
    assert held.selection("mine.1").about["within"]["name"] == "most"
    assert held.selection("mine.1").about["suspects"]["samples"] == 1
    assert (about["within"]["name"], about.get("suspects")) == ("mine.1", None)
    assert "a/19.png" not in held.selection("mine").keys
    about, _ = auto(copy, name="again", given="mine", replace=True, where="key <> 'a/18.png'")
    assert (about["churn"]["given"], about.get("where")) == ("mine", None)
    assert Store(copy).selection("again.1").about["where"]["not_met"] == 1
    with pytest.raises(OptionError, match="--by is a part of that"):
        auto(copy, by="label")


def test_scores_that_are_missing_are_named_together_before_anything_is_trained(copy: Path) -> None:
    with pytest.raises(MissingColumnError, match="has not: dual,aum") as refused:
        prune.evaluate(copy, **asked(), settings=Settings(device="cpu"))
    assert "prune score" in refused.value.hint
    assert "--type dual,aum" in refused.value.hint
    with pytest.raises(OptionError, match="is a selection of its own size"):
        prune.select(copy, method="random", count=9, name="nine")
        prune.evaluate(copy, **asked(select=["nine"]), settings=Settings(device="cpu"))
    assert np.isfinite(Store(copy).column("score.one").read()).all()
