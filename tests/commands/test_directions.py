"""`prune select` on a dataset that lies class by class: ties are drawn, directions of scores are minded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

Prune = Callable[..., Any]
N, CLASSES = 80, 4
EASE = np.random.default_rng(0).normal(size=N)


@pytest.fixture
def scored(prune: Prune, elsewhere: Path) -> Path:
    """Eighty pictures, twenty of each class in a row, with imported scores of several meanings."""
    pixels = np.random.default_rng(1).integers(0, 256, (N, 4, 4, 3), dtype=np.uint8)
    np.save("x.npy", pixels)
    np.save("y.npy", np.repeat(np.arange(CLASSES), N // CLASSES))
    assert prune("embed", "x.npy", "--labels", "y.npy", "--encoder", "pixels").code == 0
    keys = pq.read_table(next((elsewhere / ".prune" / "datasets").rglob("*.parquet")))["key"].to_pylist()
    lines = [f"{key},{ease},{-ease},{ease},1" for key, ease in zip(keys, EASE, strict=True)]
    Path("scores.csv").write_text("\n".join(["key,easy,hard,raw,flat", *lines]) + "\n")
    meanings = "easy=easy,hard=hard,flat=hard"
    said = prune("score", "--import", "scores.csv", "--high", meanings)
    assert said.code == 0, said.err
    return elsewhere / ".prune"


def _kept(prune: Prune, store: Path, *words: str) -> tuple[np.ndarray, dict[str, Any], str]:
    said = prune("select", *words, "--name", "one", "--json")
    assert said.code == 0, said.err
    return np.load(store / "selections" / "one" / "indices.npy"), json.loads(said.out), said.err


def _by_class(rows: np.ndarray) -> list[int]:
    return np.bincount(rows // (N // CLASSES), minlength=CLASSES).tolist()


def test_the_hardest_of_equal_samples_are_drawn(prune: Prune, scored: Path) -> None:
    kept, about, _ = _kept(
        prune, scored, "--method", "random", "--fraction", "0.5", "--drop-hardest", "0.4", "--drop-by", "flat"
    )
    dropped = [row for row, reason in enumerate(_reasons(scored)) if reason == "hardest 40 %"]
    assert len(dropped) == 32
    assert min(_by_class(np.array(dropped))) >= 4
    assert about["drop_hardest"]["tied_at_cut"] == N
    assert len(kept) == 40


def _reasons(store: Path) -> list[str | None]:
    reasons: list[str | None] = pq.read_table(store / "selections" / "one" / "manifest.parquet")[
        "reason"
    ].to_pylist()
    return reasons


@pytest.mark.parametrize("method", ["top", "bottom", "window", "d2", "moderate"])
def test_ties_at_the_cut_are_counted_and_spread_over_classes(prune: Prune, scored: Path, method: str) -> None:
    words = ("--method", method, "--score", "flat", "--fraction", "0.4", "--quota", "none")
    kept, about, _ = _kept(prune, scored, *words)
    assert min(_by_class(kept)) >= 3
    if method != "d2":
        assert about["facts"]["tied_at_cut"] == N


@pytest.mark.parametrize("words", [("--method", "d2"), ("--method", "semdedup", "--set", "keep=score")])
def test_the_hard_end_comes_first_whatever_a_high_value_means(
    prune: Prune, scored: Path, words: tuple[str, ...]
) -> None:
    easy, _, _ = _kept(prune, scored, *words, "--score", "easy", "--count", "20")
    hard, _, _ = _kept(prune, scored, *words, "--score", "hard", "--count", "20")
    assert easy.tolist() == hard.tolist()
    turned, _, _ = _kept(prune, scored, *words, "--score", "easy", "--set", "lowest=false", "--count", "20")
    if words[1] == "d2":
        assert EASE[easy].mean() < EASE.mean() < EASE[turned].mean()


def test_a_score_without_a_meaning_is_refused_with_words_that_work(prune: Prune, scored: Path) -> None:
    words = ("select", "--method", "d2", "--score", "raw", "--count", "20")
    said = prune(*words)
    assert said.code == 2
    assert "does not say whether high or low values" in said.err
    for word in ("lowest=false", "lowest=true"):
        assert f"--set {word}" in said.err
        assert prune(*words, "--set", word).code == 0


def test_meanings_may_be_given_one_by_one(prune: Prune, scored: Path) -> None:
    said = prune("score", "--import", "scores.csv", "--high", "raw=easy", "--high", "hard=hard", "--json")
    assert said.code == 0, said.err
    meant = {name: score["high"] for name, score in json.loads(said.out)["scores"].items()}
    assert meant == {"easy": "", "hard": "hard", "raw": "easy", "flat": ""}
    said = prune("score", "--import", "scores.csv", "--high", "raw=easy", "--high", "raw=hard")
    assert said.code == 2
    assert "names 'raw' twice" in said.err


def test_taking_what_is_easy_is_said(prune: Prune, scored: Path) -> None:
    _, _, err = _kept(prune, scored, "--method", "top", "--score", "easy", "--fraction", "0.5")
    assert "those are of easy samples" in err
    assert "--method bottom" in err
    _, _, err = _kept(prune, scored, "--method", "gumbel", "--score", "easy", "--fraction", "0.5")
    assert "--set tau=-1" in err
    _, _, err = _kept(
        prune, scored, "--method", "gumbel", "--score", "easy", "--fraction", "0.5", "--set", "tau=-1"
    )
    assert "those are of easy" not in err


def test_all_but_the_hardest(prune: Prune, scored: Path) -> None:
    kept, about, _ = _kept(
        prune, scored, "--method", "random", "--fraction", "1", "--drop-hardest", "0.25", "--drop-by", "hard"
    )
    assert len(kept) == 60
    assert about["k"] == 60
    assert EASE[kept].min() > np.sort(EASE)[19]
