"""Evaluations on what the store holds out, and their plot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import DataError, OptionError
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


def test_what_is_held_out_is_no_leak_of_a_test_set_that_has_it(
    held: Path, place: Path, tmp_path: Path
) -> None:
    shutil.copytree(place / "data" / "train", tmp_path / "more")
    shutil.copy(place / "data" / "test" / "a" / "00.png", tmp_path / "more" / "a" / "another.png")
    found = asked(held, test=str(tmp_path / "more"), dry_run=True)
    assert (found["test"]["n"], found["test"]["leaked"]) == (61, 42)


def test_the_dataset_itself_is_no_test_set_though_a_part_of_it_is_held_out(held: Path, place: Path) -> None:
    with pytest.raises(
        DataError, match=r"^42 of 60 test samples \(70 %\) are in the training set, and"
    ) as no:
        asked(held, test=str(place / "data" / "train"), dry_run=True)
    assert str(no.value).endswith("the others are held out of it: that is the dataset itself")
    assert no.value.hint == "leave --test out: what the store holds out is tested on"


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


def texts(folder: Path) -> Path:
    """Write forty texts of two classes that their features, beside them, tell apart."""
    folder.mkdir()
    lines = [json.dumps({"text": f"text {row}", "label": "ab"[row % 2]}) for row in range(40)]
    (folder / "texts.jsonl").write_text("\n".join(lines))
    return folder


def features(folder: Path, seed: int) -> Path:
    """Save features that tell the classes apart."""
    values = np.random.default_rng(seed).normal(size=(40, 4)).astype(np.float32)
    values[:, 0] += np.arange(40) % 2 * 9
    np.save(folder / "features.npy", values)
    return folder / "features.npy"


@pytest.mark.parametrize("how", [{"probe": True}, {"model": "linear", "steps": 150}])
def test_features_of_ones_own_are_those_of_the_same_matrix(tmp_path: Path, how: dict[str, Any]) -> None:
    folder = texts(tmp_path / "texts")
    settings = Settings(device="cpu", reading={"holdout": 0.25})
    store = Store(folder / "store")
    given = {"select": ["random"], "fractions": [0.5], "seeds": 1, "on": "precomputed", **how}
    for seed in (0, 1):
        prune.embed(
            store, str(folder / "texts.jsonl"), features=str(features(folder, seed)), settings=settings
        )
        found = prune.evaluate(store, **given, settings=Settings(device="cpu"))
        assert {row["tested"] for row in found["cells"]} == {10}
        assert found["results"][-1]["accuracy"]["mean"] >= 0.9
        (part,) = (Store(place) for place in (store.path / "targets").iterdir())
        ours, theirs = (of.column("embedding.precomputed").read() for of in (store, part))
        held = store.dataset.held_out
        assert np.isfinite(ours).all()
        assert np.array_equal(ours[held], theirs[held])
        assert np.isnan(np.delete(theirs, held, 0)).all()


def test_features_that_lack_what_is_held_out_are_asked_for(tmp_path: Path) -> None:
    folder = texts(tmp_path / "texts")
    settings = Settings(device="cpu", reading={"holdout": 0.25})
    store = Store(folder / "store")
    prune.embed(store, str(folder / "texts.jsonl"), features=str(features(folder, 0)), settings=settings)
    values = np.load(folder / "features.npy")
    values[store.dataset.held_out[:3]] = np.nan
    np.save(folder / "features.npy", values)
    prune.embed(store, features=str(folder / "features.npy"))
    with pytest.raises(OptionError, match="has no features of 3 samples held out") as refused:
        prune.evaluate(store, select=["random"], fractions=[0.5], probe=True, on="precomputed")
    assert "prune embed" in refused.value.hint
