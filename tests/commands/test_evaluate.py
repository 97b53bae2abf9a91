"""`prune evaluate` as it is typed: the table, the object, and what it says alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Prune = Callable[..., Any]
ASKED = ["--test", "test", "--model", "mlp", "--size", "8", "--steps", "12", "--no-flip", "--device", "cpu"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of tiny pictures in two splits, in the current folder."""
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    for split, each in (("train", 12), ("test", 6)):
        for place, name in enumerate(("dark", "light\x1b[31m")):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(each):
                pixels = draws.integers(0, 90, (8, 8, 3)) + 150 * place
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "data"


def test_it_prints_a_table_and_shows_it_again(data: Path, prune: Prune) -> None:
    assert prune("embed", "--encoder", "pixels", "--split", "train", str(data)).code == 0
    typed = ["evaluate", "--select", "kcenter,on=pixels", "--fraction", "0.5", "--seeds", "2", *ASKED]
    said = prune(*typed)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith(
        "mlp, equal steps, 12 each, 2 seeds, accuracy in % after the last step on test"
    )
    assert [line.split("%")[1].split()[0] for line in lines[3:6]] == [
        "random",
        "kcenter,on=pixels",
        "everything",
    ]
    assert "\x1b" not in said.out + said.err
    assert "6 cells to train, 12 steps each" in said.err
    shown = prune("evaluate", "--show")
    assert shown.out.splitlines()[2:6] == lines[2:6]
    assert "evaluations: 6 trainings of everything, kcenter,on=pixels, random" in prune("status").out
    drawn = prune("evaluate", "--show", "--out", "cells.csv", "--plot", "accuracy.svg")
    assert (drawn.out, len(Path("cells.csv").read_text().splitlines())) == (shown.out, 7)
    assert "kcenter,on=pixels" in Path("accuracy.svg").read_text()
    assert prune("evaluate", "--show", "--out", "cells.txt").code == 2
    for words in (["--select", "kcenter"], ["--no-flip"], ["--choose"], ["--fraction", "0.5"]):
        said = prune("evaluate", "--show", *words)
        assert (said.code, f"leave {words[0].replace('no-', '')} out" in said.err) == (2, True), said.err
    again = prune(*typed)
    assert again.out.startswith("unchanged: every cell is there already")
    fewer = prune(*[word if word != "2" else "1" for word in typed])  # which shows both that are there
    assert "12 each, 2 seeds, accuracy" in fewer.out
    body = json.loads(prune(*typed, "--json").out)
    assert (body["trained"], [one["spec"] for one in body["results"]]) == (
        0,
        ["random", "kcenter,on=pixels", "everything"],
    )
    assert json.loads(prune("evaluate", "--show", "--json").out)["settings"][0]["results"] == body["results"]


def test_what_is_missing_is_said_with_what_to_type(data: Path, prune: Prune) -> None:
    assert prune("embed", "--encoder", "pixels", "--split", "train", str(data)).code == 0
    said = prune("evaluate", "--show")
    assert (said.code, "nothing was evaluated in .prune yet" in said.err) == (2, True)
    said = prune("evaluate", *ASKED)
    assert (said.code, "evaluate wants --select" in said.err) == (2, True)
    assert "--select kcenter --fraction 0.3" in said.err
    said = prune("evaluate", "--select", "kcenter", "--fraction", "0.5", *ASKED, "--dry-run", "--json")
    assert json.loads(said.out)["expected"]["cells"] == 9


def test_features_of_ones_own_are_learnt_from_where_there_is_nothing_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prune: Prune
) -> None:
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    for name, each in (("train", 20), ("test", 8)):
        labels = np.repeat([0, 1], each)
        np.save(f"{name}.npy", draws.normal(size=(2 * each, 4)).astype(np.float32) + 4 * labels[:, None])
        np.save(f"{name}_labels.npy", labels)
        words = ("--features", f"{name}.npy", f"{name}.npy", "--store", name)
        assert prune("embed", *words).code == 0
    scored = prune("score", "--type", "el2n", "--epochs", 2, "--store", "train")
    assert (scored.code, "training linear" in scored.err) == (0, True), scored.err
    typed = ["--store", "train", "--test", "test", "--select", "kcenter", "--fraction", 0.5, "--steps", 4]
    said = prune("evaluate", *typed, "--seeds", 1)
    assert (said.code, said.out.startswith("linear, equal steps, 4 each")) == (0, True), said.err
    other = [word if word != "test" else "test.npy" for word in typed]
    said = prune("evaluate", *other, "--test-labels", "test_labels.npy", "--seeds", 1)
    advice = said.err.splitlines()[-1].removeprefix("try:").split("#")[0]
    assert (said.code, "computed elsewhere" in said.err) == (2, True), said.err
    assert prune(*shlex.split(advice)[1:]).code == 0
    assert prune("evaluate", *[word if word != "test" else "test.npy.prune" for word in typed]).code == 0
    said = prune("evaluate", *typed, "--model", "mlp")
    assert (said.code, "the dataset is of features, and this looks at images" in said.err) == (2, True)
