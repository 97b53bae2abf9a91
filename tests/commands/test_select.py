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
from prune.steps import label_noise

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


@pytest.mark.parametrize("method", [name for name, how in SELECTORS.items() if "texts" not in how.needs])
def test_every_method_under_every_quota(prune: Prune, scored: Path, method: str) -> None:
    target = ("--target", scored) if "target" in SELECTORS[method].supplied else ()
    for quota in ("none", "proportional", "equal"):
        said = prune(
            "select", "--method", method, "--quota", quota, "--count", 12, "--score", "el2n",
            "--store", scored, "--json", *target,
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
    target = ("--target", scored) if "target" in SELECTORS[method].supplied else ()
    said = prune(*words, *target, "--store", scored)
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


def test_beta_needs_the_trace_and_the_score_it_is_made_for(prune: Prune, scored: Path) -> None:
    words = ("select", "--method", "beta", "--count", 12, "--store", scored)
    said = prune(*words)
    assert said.code == 4
    assert "there is no column 'score.dual'" in said.err
    said = prune(*words, "--score", "el2n", "--json")
    assert said.code == 0, said.err
    assert 0 < json.loads(said.out)["facts"]["b"] < 15
    said = prune(*words, "--score", "aum")
    assert said.code == 2
    assert "beta prefers high scores, and those of aum are of easy samples" in said.err
    assert "--score dual" in said.err


def test_stratified_cuts_off_as_published_unless_the_user_says_how_many(prune: Prune, scored: Path) -> None:
    words = ("select", "--method", "stratified", "--count", 6, "--score", "aum", "--store", scored)
    said = prune(*words, "--json")
    about = json.loads(said.out)
    assert (about["options"]["hard"], about["options"]["cutoff"], about["facts"]["cutoff"]) == (
        "low",
        "cifar10",
        0.3,
    )
    table = _table(scored, "stratified")
    cut = np.array(table["reason"].to_pylist()) == "hardest, cut off by the method"
    assert cut.sum() == 18
    scores = table["score.aum"].to_numpy()
    assert scores[cut].max() <= scores[~cut].min()
    about = json.loads(prune(*words, "--drop-hardest", "0.1", "--json").out)
    assert about["facts"]["cutoff"] == 0
    assert (about["drop_hardest"]["samples"], about["drop_hardest"]["rule"]) == (6, "as asked")
    assert json.loads(prune(*words, "--drop-hardest", "0", "--json").out)["facts"]["cutoff"] == 0
    about = json.loads(prune(*words, "--drop-hardest", "auto", "--json").out)
    assert (about["drop_hardest"]["samples"], about["facts"]["cutoff"]) == (0, 0.3)


def test_the_quota_drop_gives_to_classes_what_they_are_mistaken_for(
    prune: Prune, scored: Path, elsewhere: Path
) -> None:
    words = ("select", "--method", "random", "--quota", "drop", "--count", 20, "--store", scored, "--json")
    about = json.loads(prune(*words).out)
    assert about["class_errors"]["source"] == "trace.0: training samples, the last epoch"
    assert set(about["class_errors"]["by_class"]) == set(CLASSES)
    assert "samples that the proxy trained on" in about["warnings"][0]
    errors = elsewhere / "errors.json"
    errors.write_text(json.dumps({"ant": 0.5, "bee": 0.2, "cat": 0.0}))
    about = json.loads(prune(*words, "--quota-errors", errors).out)
    assert about["class_errors"] == {"source": str(errors), "by_class": {"ant": 0.5, "bee": 0.2, "cat": 0.0}}
    assert not about["warnings"]
    assert not about["nested"]
    table = _table(scored, "random")
    assert np.bincount(table["label"].to_numpy()[table["selected"].to_numpy()], minlength=3).tolist() == [
        12,
        8,
        0,
    ]


def test_hardest_first_is_warned_of_once_and_in_the_record(prune: Prune, scored: Path) -> None:
    words = ("select", "--method", "top", "--score", "el2n", "--store", scored, "--json")
    said = prune(*words, "--count", 6)
    (warning,) = json.loads(said.out)["warnings"]
    assert said.err.count("warning: top by el2n keeps the hardest 10 % of the samples") == 1
    assert warning in said.err
    assert json.loads(prune(*words, "--count", 30).out)["warnings"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--drop-hardest", "most"), "--drop-hardest must be from 0 up to (not including) 1, not most"),
        (("--drop-hardest", "nan"), "not nan"),
        (("--drop-by", "aum"), "--drop-by aum drops nothing"),
        (("--quota-errors", "e.json"), "--quota-errors is for one quota only"),
        (("--quota", "drop", "--quota-errors", "e.json"), "there is no file e.json"),
        (("--method", "stratified", "--score", "el2n", "--set", "cutoff=most"), "cutoff=most is not a share"),
    ],
)
def test_choices_that_make_no_sense(prune: Prune, scored: Path, words: tuple[str, ...], message: str) -> None:
    said = prune("select", "--count", 3, *words, "--store", scored)
    assert said.code == 2
    assert message in said.err


def test_doubted_labels_are_marked_and_left_out_by_the_same_rule(prune: Prune, elsewhere: Path) -> None:
    rng = np.random.default_rng(0)
    true = np.arange(400) % 4
    pixels = rng.normal(0, 20, (400, 8, 8, 3)) + 40 + 50 * true[:, None, None, None]
    np.save("x.npy", np.clip(pixels, 0, 255).astype(np.uint8))
    label_noise.inject(true, 0.1, seed=1).save("y.npy")
    words = ("--proxy", "mlp", "--epochs", 8, "--proxy-size", 8, "--no-flip", "--workers", 1, "--json")
    said = prune("score", "x.npy", "--labels", "y.npy", "--type", "aum,el2n", *words)
    assert said.code == 0, said.err
    marked = json.loads(said.out)["scores"]["aum"]["suspects"]
    assert f"aum doubts {marked} of 400 labels" in said.err
    most = json.loads(said.out)["scores"]["el2n"]["most_suspect"]
    shown = prune("score", "x.npy", "--labels", "y.npy", "--type", "el2n", *words[:-1])
    listed = "all in order: the column score.el2n.suspect_rank"
    assert f"labels to look at first, by el2n: {', '.join(most)}; {listed}" in shown.out
    said = prune("select", "--method", "random", "--count", 50, "--drop-hardest", "auto", "--drop-by", "aum")
    assert f"left out as hardest by aum: {marked} of 400" in said.out
    table = _table(Path(".prune"), "random")
    suspect = table["score.aum.suspect"].to_numpy()
    reasons = np.array(table["reason"].to_pylist(), object)
    assert np.array_equal(suspect, reasons == "hardest, beyond the threshold")
    wrong = label_noise.load("y.npy").mask
    assert suspect.sum() == marked
    ranks = table["score.aum.suspect_rank"].to_numpy()
    assert sorted(ranks.tolist()) == list(range(400))
    assert suspect[ranks < marked].all()
    ranked = library.Store(".prune").table()["score.el2n.suspect_rank"].to_numpy()
    assert [table["key"][int(row)].as_py() for row in np.argsort(ranked)[:5]] == most
    assert (suspect & wrong).sum() >= 0.8 * max(wrong.sum(), marked)


def test_labels_are_not_doubted_by_what_never_looks_at_them_nor_beta_drawn_from_what_was_filled_in(
    prune: Prune, scored: Path, tmp_path: Path
) -> None:
    store = tmp_path / ".prune"
    library.score(
        store,
        str(scored.parent / "data"),
        types=["dual", "entropy", "margin"],
        training={"proxy": "mlp", "epochs": 3, "size": 8},
        on_fraction="0.5",
    )
    for score in ("entropy", "margin"):
        said = prune("select", "--count", 3, "--drop-hardest", "auto", "--drop-by", score, "--store", store)
        assert said.code == 2
        assert f"doubts labels, and {score} never looks at them" in said.err
        assert "--drop-by aum, el2n, loss or confidence" in said.err
    said = prune("select", "--method", "beta", "--count", 3, "--store", store)
    assert said.code == 2
    assert "30 of 60 samples have none: prune score --on-fraction filled in" in said.err
    assert "--type dual without --on-fraction" in said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--method", "kcenter"),
            "kcenter goes by the features of the proxy and does not look at the scores aum, el2n; "
            "--method stratified --score aum does",
        ),
        (("--method", "craig"), "craig goes by gradients and does not look at the scores aum, el2n"),
        (("--method", "random"), "random draws by lot and does not look at the scores aum, el2n"),
        (("--method", "top", "--score", "el2n"), ""),
        (("--method", "kcenter", "--drop-hardest", "0.1", "--drop-by", "el2n"), ""),
        (("--method", "kcenter", "--score", "el2n"), "kcenter does not use --score el2n"),
    ],
)
def test_scores_that_nothing_looks_at_are_said(
    prune: Prune, scored: Path, words: tuple[str, ...], said: str
) -> None:
    found = prune("select", "--count", 6, *words, "--store", scored)
    assert found.code == 0, found.err
    assert said in found.err
    assert found.err.count("does not look at") == ("look at" in said)


def test_what_is_advised_looks_at_the_score(prune: Prune, scored: Path) -> None:
    words = ("select", "--count", 6, "--store", scored)
    remark = next(line for line in prune(*words).err.splitlines() if "does not look at" in line)
    advised = remark.rpartition("; ")[2].removesuffix(" does").split()
    done = prune(*words, *advised)
    assert done.code == 0, done.err
    assert "does not" not in done.err


def test_given_samples_are_counted_where_classes_are(prune: Prune, scored: Path, elsewhere: Path) -> None:
    keys = elsewhere / "ants.txt"
    keys.write_text("".join(f"ant/{i:02}.png\n" for i in range(12)))
    words = ("select", "--method", "random", "--quota", "equal", "--count", 6, "--given", keys)
    said = prune(*words, "--store", scored)
    assert said.code == 0, said.err
    assert "random: 6 of 60 samples kept (10 %), beside 12 given" in said.out
    assert "to 100 % ('ant')" in said.out
    assert "lost" not in said.out
    assert "random:" not in said.out.partition("\n")[2]
