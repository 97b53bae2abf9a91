"""Evaluations on what the store holds out, and their plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import QUICK


@pytest.fixture(scope="module")
def held(place: Path) -> Path:
    """A store that holds a third of each class out."""
    reading = {"split": "train", "holdout": 0.3}
    prune.score(
        place / "held",
        str(place / "data"),
        imports=str(place / "one.csv"),
        high="hard",
        settings=Settings(device="cpu", reading=reading),
    )
    return place / "held"


def asked(store: Path, **more: Any) -> dict[str, Any]:
    given = {"select": ["top:one"], "fractions": [0.5], "seeds": 2} | QUICK | more
    return prune.evaluate(store, **given, settings=Settings(device="cpu"))


def test_it_is_tested_on_what_is_held_out_and_trained_on_the_rest(held: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "a.svg"
    found = asked(held, plot=drawn)
    assert found["test"]["source"] == "the samples held out"
    assert (found["usable"], {row["tested"] for row in found["cells"]}) == (42, {18})
    assert [one["k"] for one in found["results"]] == [21, 21, 42]
    assert found["results"][-1]["accuracy"]["mean"] == 1.0
    assert "top:one" in drawn.read_text()
    part = next((held / "targets").iterdir())
    usable = Store(part).dataset.usable
    assert usable.tolist() == Store(held).dataset.held_out.tolist()
    images = Store(part).column("images.8").read()
    assert np.flatnonzero(images.any((1, 2, 3))).tolist() == usable.tolist()


def test_a_check_says_of_how_many_that_could_be_kept(held: Path) -> None:
    prune.select(held, method="random", count=21, name="half")
    checked = prune.check(held, selection="half", min_per_class=1)
    assert (checked["k"], checked["usable"], checked["n"]) == (21, 42, 60)


def test_a_split_is_tested_on_where_it_is_named(held: Path) -> None:
    assert {row["tested"] for row in asked(held, test="test")["cells"]} == {30}


def test_without_either_it_says_what_to_type(place: Path, held: Path) -> None:
    with pytest.raises(OptionError, match="evaluate wants --test") as refused:
        asked(place / "store")
    assert refused.value.hint == "--test test"
    with pytest.raises(OptionError, match="is of another test set"):
        asked(held, test_split="test")
