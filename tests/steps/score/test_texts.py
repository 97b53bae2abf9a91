"""Scores of texts: by default the proxy `ngram`, all that a trace gives, and a sentence for the rest."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import DataError, OptionError
from prune.steps.settings import Settings
from prune.store import Store

GOOD, BAD = "good fine lovely bright", "bad awful ugly dull"
QUICK = {"epochs": 4}
SETTINGS = Settings(device="cpu")


def lines(n: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Short reviews, of which every word tells the class; the last five have the other class."""
    draws = np.random.default_rng(seed)
    made = []
    for number in range(n):
        good = number % 2 == 0
        words = draws.choice((GOOD if good else BAD).split(), 6)
        label = good != (number >= n - 5)
        made.append({"text": " ".join(words), "label": "pos" if label else "neg"})
    return made


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """Data, a store with scores of two runs, and what `score` returned."""
    folder = tmp_path_factory.mktemp("texts")
    data = write(folder / "reviews.jsonl", lines(120))
    types = ["el2n", "aum", "forgetting", "grad_norm", "grad_norm_last", "cal", "density", "dual"]
    store = folder / "store"
    said = prune.score(store, str(data), types=types, runs=2, training=QUICK, settings=SETTINGS)
    return data, store, said


def values(store: Path, name: str) -> np.ndarray:
    return Store(store).column(name).read()


def test_the_default_proxy_learns_the_words_and_doubts_wrong_labels(
    scored: tuple[Path, Path, dict[str, Any]],
) -> None:
    _, store, said = scored
    assert set(said["scores"]) == {
        *("el2n", "aum", "forgetting", "grad_norm", "grad_norm_last", "cal", "density", "dual")
    }
    recipe = Store(store).recipe_of("trace.0")
    assert recipe is not None
    assert recipe["training"]["proxy"] == "ngram"
    assert recipe["inputs"]["name"].startswith("ngrams.")
    margins = values(store, "score.aum")
    assert margins[-5:].max() < np.delete(margins, range(115, 120)).min()
    assert values(store, "embedding.proxy").shape == (120, 10)
    assert values(store, "probs").shape == (120, 2)


def test_the_same_command_again_trains_nothing(scored: tuple[Path, Path, dict[str, Any]]) -> None:
    _, store, _ = scored
    again = prune.score(store, types=["el2n"], runs=2, training=QUICK, settings=SETTINGS)
    assert again["unchanged"]


def test_gradient_norms_are_those_of_autograd(scored: tuple[Path, Path, dict[str, Any]]) -> None:
    _, store, _ = scored
    last, whole = values(store, "score.grad_norm_last"), values(store, "score.grad_norm")
    assert np.isfinite(whole).all()
    assert (whole > 0).all()
    assert np.corrcoef(last, whole)[0, 1] > 0.5


def test_folds_predict_what_they_did_not_learn(
    tmp_path: Path, scored: tuple[Path, Path, dict[str, Any]]
) -> None:
    prune.score(tmp_path, str(scored[0]), types=["el2n"], cross_fit=3, training=QUICK, settings=SETTINGS)
    predicted = values(tmp_path, "probs.heldout").argmax(1)
    truth = np.arange(120) % 2 == 0  # that a review is good: classes are neg, pos
    assert (predicted == truth).mean() > 0.9


class Stop:
    """A reporter at which the command ends in the midst of an epoch."""

    def __init__(self, after: int) -> None:
        self.left = after

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Any]:
        def advance(count: int) -> None:
            self.left -= count if what.startswith("training") else 0
            if self.left < 0:
                raise KeyboardInterrupt

        yield advance

    def say(self, message: str) -> None:
        """Nobody listens."""


def columns(store: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted((store / "columns").rglob("*"))
        if path.is_file()
    }


def test_a_training_that_was_stopped_goes_on_with_the_same_bytes(
    tmp_path: Path, scored: tuple[Path, Path, dict[str, Any]]
) -> None:
    asked: dict[str, Any] = {"types": ["aum"], "training": QUICK}
    prune.score(tmp_path / "whole", str(scored[0]), **asked, settings=SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        stopped = Settings(device="cpu", reporter=Stop(700))  # in the third epoch
        prune.score(tmp_path / "store", str(scored[0]), **asked, settings=stopped)
    assert (tmp_path / "store" / "columns" / "trace.0").is_dir()
    prune.score(tmp_path / "store", **asked, settings=SETTINGS)
    assert columns(tmp_path / "store") == columns(tmp_path / "whole")


@pytest.mark.parametrize(
    ("asked", "said", "hint"),
    [
        ({"types": ["input_norm"]}, "the dataset is of texts, and this looks at images", "--proxy ngram"),
        ({"types": ["deepfool"]}, "deepfool looks at numbers that can change", "--type margin"),
        ({"types": ["el2n"], "training": {"proxy": "resnet8"}}, "looks at images", "--proxy ngram"),
        ({"types": ["el2n"], "training": {"size": 64}}, "--proxy-size 64 is of pixels", "leave it out"),
        ({"types": ["el2n"], "training": {"flip": True}}, "--flip is of pixels", "leave it out"),
    ],
)
def test_what_needs_pixels_says_so_and_what_to_type(
    tmp_path: Path,
    scored: tuple[Path, Path, dict[str, Any]],
    asked: dict[str, Any],
    said: str,
    hint: str,
) -> None:
    with pytest.raises(OptionError, match=said) as found:
        prune.score(tmp_path / "store", str(scored[0]), **asked, settings=SETTINGS)
    assert hint in str(found.value.hint)


def test_images_are_not_texts(tmp_path: Path, images: Path) -> None:
    with pytest.raises(OptionError, match="the dataset is of images, and this looks at texts"):
        asked = {"types": ["el2n"], "training": {"proxy": "ngram"}}
        prune.score(tmp_path / "store", str(images), **asked, settings=SETTINGS)


def test_texts_without_labels_are_told_what_they_can_have(tmp_path: Path) -> None:
    data = write(tmp_path / "plain.jsonl", [{"text": row["text"]} for row in lines(20)])
    with pytest.raises(DataError, match="el2n needs labels"):
        prune.score(tmp_path / "store", str(data), types=["el2n"], settings=SETTINGS)
