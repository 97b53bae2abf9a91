from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

SCORE = ["score", "--epochs", "1", "--proxy-size", "8", "--workers", "0"]
NONE = [3, 7]  # rows without a label


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", draw.integers(0, 256, (24, 8, 8, 3), dtype=np.uint8))
    labels = np.arange(24) % 2
    labels[NONE] = -1
    np.save(tmp_path / "y.npy", labels)
    return tmp_path / "x.npy"


def scores(store: Path, name: str) -> np.ndarray:
    from prune import Store

    return Store(store).column(f"score.{name}").read()


def test_without_a_word_it_stops_and_says_what_to_type(pictures, prune, tmp_path):
    said = prune(*SCORE, "--type", "el2n", pictures, "--store", tmp_path / "s")
    assert said.code == 3
    assert "el2n needs labels, and 2 of 24 samples have none" in said.err
    assert "--unlabelled skip" in said.err
    assert (
        prune(*SCORE, "--type", "el2n", pictures, "--store", tmp_path / "s", "--unlabelled", "skip").code == 0
    )


@pytest.mark.parametrize("mode", ["skip", "keep"])
def test_the_others_are_scored(mode, pictures, prune, tmp_path):
    store = tmp_path / "s"
    words = ["--type", "el2n,forgetting,grad_norm,entropy", "--unlabelled", mode, "--store", store]
    assert prune(*SCORE, *words, pictures).code == 0
    for name in ("el2n", "forgetting", "grad_norm"):
        assert np.flatnonzero(np.isnan(scores(store, name))).tolist() == NONE
    assert np.isfinite(scores(store, "entropy")).all()  # it never looks at a label


@pytest.mark.parametrize(
    ("mode", "method", "reasons"),
    [
        ("skip", ["--method", "top", "--score", "el2n"], ["no label"] * 2),
        ("skip", ["--method", "random"], ["no label"] * 2),
        ("keep", ["--method", "top", "--score", "el2n"], ["no label, so no score"] * 2),
    ],
)
def test_they_are_left_out_of_selections(mode, method, reasons, pictures, prune, tmp_path):
    store = tmp_path / "s"
    prune(*SCORE, "--type", "el2n", pictures, "--store", store, "--unlabelled", mode)
    said = prune("select", *method, "--fraction", "1", "--name", "a", "--store", store, "--json")
    assert json.loads(said.out)["k"] == 22
    manifest = pq.read_table(store / "selections/a/manifest.parquet")
    assert [manifest["reason"][row].as_py() for row in NONE] == reasons


def test_kept_ones_may_be_chosen_by_what_needs_no_label(pictures, prune, tmp_path):
    store = tmp_path / "s"
    prune(*SCORE, "--type", "el2n", pictures, "--store", store, "--unlabelled", "keep")
    said = prune("select", "--method", "random", "--fraction", "1", "--store", store, "--json")
    assert json.loads(said.out)["k"] == 24


def test_what_never_looks_at_a_label_needs_no_word_about_those_without_one(pictures, prune, tmp_path):
    store = tmp_path / "s"
    said = prune(*SCORE, "--type", "deepfool,entropy,margin,cal", pictures, "--store", store)
    assert said.code == 0, said.err
    for name in ("deepfool", "entropy", "margin", "cal"):
        assert np.isfinite(scores(store, name)).all(), name


def test_no_label_at_all_is_still_refused_for_what_needs_one(pictures, prune, tmp_path):
    np.save(tmp_path / "y.npy", np.full(24, np.nan))
    said = prune(*SCORE, "--type", "el2n", pictures, "--store", tmp_path / "s", "--unlabelled", "keep")
    assert said.code == 3
    assert "--labels FILE.csv" in said.err


def test_all_labelled_makes_no_difference(pictures, prune, tmp_path):
    np.save(tmp_path / "y.npy", np.arange(24) % 2)
    for name, words in (("a", []), ("b", ["--unlabelled", "skip"])):
        prune(*SCORE, "--type", "el2n", pictures, "--store", tmp_path / name, *words)
    state = [(tmp_path / name / "store.json").read_bytes() for name in "ab"]
    assert state[0] == state[1]


def test_what_was_refused_for_its_labels_was_not_begun(prune, tmp_path):
    texts, store = tmp_path / "a.jsonl", tmp_path / "s"
    texts.write_text("".join(f'{{"text": "line {row} of these"}}\n' for row in range(12)))
    said = prune("score", "--type", "grad_norm", texts, "--store", store)
    assert said.code == 3
    assert "grad_norm needs labels, and none has one" in said.err
    assert not list((store / "columns").glob("*"))  # nothing was computed for it
    said = prune("status", "--store", store)
    assert "unfinished" not in said.out
    said = prune("select", "--method", "random", "--count", "5", "--store", store)
    assert "without labels: prune embed --store" in said.err
    assert prune("embed", "--store", store).code == 0
    assert prune("select", "--method", "random", "--count", "5", "--store", store).code == 0
