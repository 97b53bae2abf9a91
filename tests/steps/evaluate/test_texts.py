"""Texts: the target `ngram` by default, equal steps, a test set hashed as the training set was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.steps.settings import Settings
from prune.store import Store

GOOD, BAD = ["good", "fine", "lovely", "bright"], ["bad", "awful", "ugly", "dull"]
SETTINGS = Settings(device="cpu")
ASKED: dict[str, Any] = {"fractions": ["0.5"], "seeds": 2, "steps": 60, "settings": SETTINGS}


def write(path: Path, n: int, seed: int) -> str:
    draws = np.random.default_rng(seed)
    rows = [
        {"text": " ".join(draws.choice((GOOD, BAD)[i % 2], 4 + i % 9)), "label": ("pos", "neg")[i % 2]}
        for i in range(n)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training set with a score in a store, a test set of longer texts."""
    folder = tmp_path_factory.mktemp("texts")
    data = write(folder / "train.jsonl", 160, 0)
    prune.score(folder / "store", data, types=["el2n"], training={"epochs": 4}, settings=SETTINGS)
    write(folder / "test.jsonl", 40, 1)
    return folder


def test_a_selection_is_compared_with_random_by_the_proxy_of_texts(place: Path) -> None:
    found = prune.evaluate(place / "store", test=str(place / "test.jsonl"), select=["top:el2n"], **ASKED)
    assert found["model"] == "ngram"
    assert found["protocol"]["kind"] == "steps"
    told = {cell["spec"]: cell["accuracy"] for cell in found["cells"]}
    assert set(told) == {"random", "top:el2n", "everything"}
    assert told["everything"] == 1
    again = prune.evaluate(place / "store", test=str(place / "test.jsonl"), select=["top:el2n"], **ASKED)
    assert again["unchanged"]


def test_the_test_set_has_the_length_and_the_buckets_of_the_training_set(place: Path) -> None:
    prune.evaluate(place / "store", test=str(place / "test.jsonl"), select=["random"], **ASKED)
    [tested] = [Store(folder) for folder in (place / "store" / "targets").iterdir()]
    store = Store(place / "store")
    [name] = [name for name in store.columns if name.startswith("ngrams.")]
    ours, theirs = store.column(name).recipe, tested.column(name).recipe
    assert (ours["length"], ours["buckets"]) == (theirs["length"], theirs["buckets"])


def test_wrong_labels_cost_accuracy(place: Path) -> None:
    asked = {**ASKED, "test": str(place / "test.jsonl"), "select": ["random"]}
    noisy = prune.evaluate(place / "store", **asked, label_noise=0.45)
    right = prune.evaluate(place / "store", **asked)

    def mean(found: dict[str, Any]) -> float:
        return float(np.mean([cell["accuracy"] for cell in found["cells"] if cell["spec"] == "random"]))

    assert mean(noisy) < mean(right)


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        ({"model": "resnet8"}, "the dataset is of texts, and this looks at images", "--model ngram"),
        ({"size": 8}, "is for images, and ngram looks at none", "leave it out"),
        ({"flip": False}, "is for images, and ngram looks at none", "leave it out"),
        ({"on": "ngrams"}, "--on ngrams is for --model linear", "--model linear --on ngrams"),
    ],
)
def test_networks_that_do_not_suit_texts_are_refused(
    place: Path, asked: dict[str, Any], said: str, hint: str
) -> None:
    with pytest.raises(OptionError, match=said) as found:
        prune.evaluate(place / "store", test=str(place / "test.jsonl"), **asked, **ASKED)
    assert hint in str(found.value.hint)


def test_the_proxy_of_texts_looks_at_a_target(place: Path) -> None:
    chosen = prune.select(
        place / "store",
        method="gio",
        on="proxy",
        target=str(place / "test.jsonl"),
        fraction=0.1,
        settings=SETTINGS,
    )
    assert chosen["k"] == 16
