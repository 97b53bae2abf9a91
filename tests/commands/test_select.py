"""`prune select` and the prefix that `prune export --fraction` takes, on one scored dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import prune as library
from prune.selectors import SELECTORS

Prune = Callable[..., Any]
CLASSES = {"ant": 12, "bee": 20, "cat": 28}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty images of three classes, two of them equal, scored by a small proxy."""
    home = tmp_path_factory.mktemp("scored")
    rng = np.random.default_rng(0)
    for level, (name, count) in enumerate(CLASSES.items()):
        (home / "data" / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.clip(rng.normal(60 + 60 * level, 30, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(home / "data" / name / f"{i:02}.png")
    (home / "data" / "cat" / "27.png").write_bytes((home / "data" / "cat" / "26.png").read_bytes())
    library.score(
        home / ".prune",
        str(home / "data"),
        types=["el2n", "aum"],
        training={"proxy": "mlp", "epochs": 3, "size": 8},
    )
    return home / ".prune"


def _table(store: Path, name: str) -> pa.Table:
    return pq.read_table(store / "selections" / name / "manifest.parquet")


@pytest.mark.parametrize("method", SELECTORS)
def test_every_method_under_every_quota(prune: Prune, scored: Path, method: str) -> None:
    for quota in ("none", "proportional", "equal"):
        said = prune(
            "select", "--method", method, "--quota", quota, "--count", 12, "--score", "el2n",
            "--store", scored, "--json",
        )  # fmt: skip
        assert said.code == 0, said.err
        table = _table(scored, method)
        counts = np.bincount(table["label"].to_numpy()[table["selected"].to_numpy()], minlength=3)
        assert counts.sum() == 12
        expected = {"proportional": [2, 4, 6], "equal": [4, 4, 4]}.get(quota)
        assert expected is None or sorted(counts.tolist()) in (sorted(expected), [3, 4, 5])
        assert (table["weight"].to_numpy()[table["selected"].to_numpy()] > 0).all()
        about = json.loads(said.out)
        assert about["asked"]["quota"] == quota
        assert about["plan"] is None or about["plan"]["bytes"] > 0


@pytest.mark.parametrize("method", [name for name, method in SELECTORS.items() if "space" in method.needs])
def test_what_computes_in_a_space_computes_on_gradients(prune: Prune, scored: Path, method: str) -> None:
    words = ("select", "--method", method, "--on", "gradients", "--count", 9, "--score", "el2n")
    said = prune(*words, "--store", scored)
    assert said.code == 0, said.err
    assert _table(scored, method)["selected"].to_numpy().sum() == 9
    assert method in said.err  # what it will need


def test_the_plan_is_said_before_and_a_dry_run_stops_there(prune: Prune, scored: Path) -> None:
    said = prune("select", "--count", 5, "--dry-run", "--name", "never", "--store", scored)
    assert said.code == 0
    assert said.err.startswith("kcenter: direct (5 centres meet 60 samples")
    assert "needs" in said.err
    assert not (scored / "selections" / "never").exists()
    plan = json.loads(prune("select", "--count", 5, "--dry-run", "--store", scored, "--json").out)["plan"]
    assert (plan["mode"], plan["time"], plan["groups"]) == ("direct", "seconds", 1)


def test_floor_and_cap_bound_what_a_class_keeps(prune: Prune, scored: Path) -> None:
    words = ("select", "--quota", "proportional", "--count", 20, "--quota-floor", 6, "--quota-cap", 8)
    assert prune(*words, "--store", scored, "--name", "bounded").code == 0
    table = _table(scored, "bounded")
    counts = np.bincount(table["label"].to_numpy()[table["selected"].to_numpy()])
    assert sorted(counts.tolist()) == [6, 6, 8]
    said = prune("select", "--quota", "equal", "--count", 20, "--quota-cap", 5, "--store", scored)
    assert said.code == 2
    assert "a cap of 5 allows 15 samples" in said.err


@pytest.mark.parametrize("kind", ["cluster", "nnls"])
def test_any_selection_can_be_reweighted(prune: Prune, scored: Path, kind: str) -> None:
    said = prune("select", "--method", "random", "--count", 10, "--reweight", kind, "--store", scored)
    assert said.code == 0, said.err
    weights = np.load(scored / "selections" / "random" / "weights.npy")
    assert len(weights) == 10
    assert weights.min() >= 0
    assert kind != "cluster" or weights.sum() == 60
    assert prune("select", "--method", "random", "--count", 10, "--store", scored).code == 0
    assert not (scored / "selections" / "random" / "weights.npy").exists()


def test_one_selection_serves_every_smaller_fraction(prune: Prune, scored: Path, elsewhere: Path) -> None:
    assert prune("select", "--fraction", "0.5", "--store", scored, "--name", "half").code == 0
    assert prune("select", "--fraction", "0.2", "--store", scored, "--name", "fifth").code == 0
    said = prune(
        "export", "--format", "manifest", "--selection", "half", "--fraction", "0.2", "--store", scored
    )
    assert said.code == 0, said.err
    out = elsewhere / "pruned-manifest"
    fifth = scored / "selections" / "fifth"
    assert (out / "keys.txt").read_bytes() == (fifth / "keys.txt").read_bytes()
    assert (out / "indices.npy").read_bytes() == (fifth / "indices.npy").read_bytes()
    ours, theirs = pq.read_table(out / "manifest.parquet"), pq.read_table(fifth / "manifest.parquet")
    for name in ("selected", "rank", "weight", "gain"):
        assert ours[name].to_pylist() == theirs[name].to_pylist()
    about = json.loads((out / "selection.json").read_text())
    assert (about["k"], about["prefix_of"]) == (12, 30)
    assert about["keys_sha256"] == json.loads((fifth / "selection.json").read_text())["keys_sha256"]
    assert set(ours["reason"].to_pylist()) == {None, "taken after the first 12"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--method", "stratified", "--score", "el2n"),
            "the first 12 of short (stratified, quota none) are not what 12 alone would be",
        ),
        (("--quota", "equal"), "the first 12 of short (kcenter, quota equal) are not what 12 alone would be"),
        (("--reweight", "cluster"), "the weights of short belong to all its 6 samples"),
        (("--method", "random"), "--fraction 0.2 asks for 12 samples, but short has 6"),
    ],
)
def test_what_has_no_such_prefix_is_refused_with_the_reason(
    prune: Prune, scored: Path, words: tuple[str, ...], message: str
) -> None:
    assert prune("select", "--count", 6, "--name", "short", *words, "--store", scored).code == 0
    said = prune(
        "export", "--format", "manifest", "--selection", "short", "--fraction", "0.2", "--store", scored
    )
    assert said.code == 2
    assert message in said.err
    assert "--fraction 0.2" in said.err.splitlines()[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--reweight", "nlls"), "--reweight nlls is not one of none, cluster, nnls"),
        (("--target", "x.npy"), "kcenter matches no --target"),
        (("--max-memory", "few"), "--max-memory few is not a size"),
        (("--on", "gradient"), "there is no column 'embedding.gradient'"),
    ],
)
def test_options_that_make_no_sense(prune: Prune, scored: Path, words: tuple[str, ...], message: str) -> None:
    said = prune("select", "--count", 3, *words, "--store", scored)
    assert said.code in {2, 4}
    assert message in said.err


def test_samples_given_in_other_classes_do_not_count_under_a_quota(
    prune: Prune, scored: Path, elsewhere: Path
) -> None:
    keys = elsewhere / "keys.txt"
    keys.write_text("ant/00.png\nbee/03.png\n")
    words = ("select", "--quota", "equal", "--count", 9, "--given", keys, "--name", "more", "--store", scored)
    assert prune(*words).code == 0
    table = _table(scored, "more")
    assert np.bincount(table["label"].to_numpy()[table["selected"].to_numpy()]).tolist() == [3, 3, 3]
    assert [
        key for key, why in zip(table["key"].to_pylist(), table["reason"].to_pylist(), strict=True) if why
    ] == [
        "ant/00.png",
        "bee/03.png",
    ]
