"""Test sets: a split, another dataset, another store; those with other classes, no labels, or leaks."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import DataError, OptionError
from prune.steps.settings import Settings

from .conftest import QUICK, draw
from .test_run import Cells


def dry(place: Path, test: Path | str, **asked: Any) -> tuple[dict[str, Any], list[str]]:
    cells = Cells()
    settings = Settings(device="cpu", reporter=cells)
    given = {"select": ["top:one"], "fractions": [0.3], "dry_run": True} | QUICK | asked
    return prune.evaluate(place / "store", test=str(test), **given, settings=settings), cells.said


def test_a_split_a_folder_and_a_store_are_the_same_test_set(place: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu")
    prune.embed(tmp_path / "test.prune", str(place / "data" / "test"), encoder="pixels", settings=settings)
    found = [
        dry(place, "test"),
        dry(place, place / "data" / "test"),
        dry(place, place / "data", test_split="test"),
        dry(place, tmp_path / "test.prune"),
    ]
    assert all(result["test"]["n"] == 30 and result["test"]["leaked"] == 0 for result, _ in found)


def test_the_training_set_itself_tests_nothing(place: Path) -> None:
    with pytest.raises(DataError, match=r"60 of 60 test samples \(100 %\) are in the training set") as caught:
        dry(place, place / "data" / "train")
    assert caught.value.exit_code == 3


def test_a_part_that_leaks_is_counted_and_said(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "data" / "test", tmp_path / "test")
    for name in ("00.png", "01.png", "02.png"):
        shutil.copy(place / "data" / "train" / "b" / name, tmp_path / "test" / "b" / f"copy-{name}")
    result, said = dry(place, tmp_path / "test")
    assert result["test"]["leaked"] == 3
    (told,) = (line for line in said if "3 of 33 test samples (9.09 %) are in the training set" in line)
    assert shlex.split(told.rpartition(": prune ")[2])[-2] == "--drop-leaks"


def test_classes_go_by_name_and_not_by_their_place(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "data" / "test", tmp_path / "test", ignore=shutil.ignore_patterns("a"))
    result, said = dry(place, tmp_path / "test")  # b is the first class there, and the second here
    assert any("the test set has no sample of 1 class: 'a'" in line for line in said)
    settings = Settings(device="cpu")
    shutil.copytree(place / "store", place / "named")
    given = {"select": ["random"], "fractions": [0.5], "seeds": 1} | QUICK
    result = prune.evaluate(place / "named", test=str(tmp_path / "test"), **given, settings=settings)
    shutil.rmtree(place / "named")
    assert result["results"][-1]["accuracy"]["mean"] > 0.8


def test_classes_that_were_not_learnt_are_refused(place: Path, tmp_path: Path) -> None:
    draw(tmp_path / "test", 2, 5, "abcd")
    with pytest.raises(DataError, match="2 samples of the test set .* have classes .* has not: 'd'"):
        dry(place, tmp_path / "test")


def test_a_test_set_without_labels_is_refused_and_takes_a_file_of_them(place: Path, tmp_path: Path) -> None:
    flat = tmp_path / "test"
    flat.mkdir()
    for path in (place / "data" / "test").glob("*/*.png"):
        shutil.copy(path, flat / f"{path.parent.name}{path.name}")
    with pytest.raises(DataError, match="has no labels") as caught:
        dry(place, flat)
    assert "--test-labels FILE" in caught.value.hint
    rows = "".join(f"{path.name},{path.name[0]}\n" for path in sorted(flat.iterdir()))
    (tmp_path / "labels.csv").write_text("key,label\n" + rows)
    assert dry(place, flat, test_labels=str(tmp_path / "labels.csv"))[0]["test"]["n"] == 30


def test_what_is_neither_a_dataset_nor_a_split_is_said(place: Path) -> None:
    with pytest.raises(OptionError, match="--test tset is neither a dataset nor a split of"):
        dry(place, "tset")


def test_features_are_evaluated_by_a_linear_model(tmp_path: Path) -> None:
    draws, settings = np.random.default_rng(0), Settings(device="cpu")
    for name, n in (("train", 60), ("test", 30)):
        labels = np.arange(n) % 3
        np.save(tmp_path / f"{name}.npy", np.eye(3)[labels] + draws.normal(0, 0.2, (n, 3)))
        lines = "".join(f'{{"text": "t{i} of {name}", "label": "{"abc"[i % 3]}"}}\n' for i in range(n))
        (tmp_path / f"{name}.jsonl").write_text(lines)
        store = tmp_path / f"{name}.prune"
        data, features = str(tmp_path / f"{name}.jsonl"), str(tmp_path / f"{name}.npy")
        prune.embed(store, data, features=features, settings=settings)
    result = prune.evaluate(
        tmp_path / "train.prune",
        test=str(tmp_path / "test.prune"),
        select=["kcenter"],
        fractions=[0.3],
        seeds=1,
        epochs=5,
        model="linear",
        settings=settings,
    )
    assert result["model"] == "linear"
    assert result["results"][-1]["accuracy"]["mean"] > 0.9
