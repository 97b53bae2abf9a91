"""Why a sample was kept or dropped: by every selector, for every reason, and for keys that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune import pipeline
from prune.core.errors import OptionError, StoreError
from prune.selectors import SELECTORS
from prune.steps.explain.rules import Rules
from prune.steps.settings import Settings
from prune.store import Store

CPU = Settings(device="cpu")
SKIP = Settings(device="cpu", on_error="skip", max_bad=0.2)
HOSTILE = "\u202egnp\x1b[31m.png"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store of forty images, two of them equal, one damaged, one with a hostile name."""
    place = tmp_path_factory.mktemp("why")
    for label in ("cat", "dog"):
        (place / "data" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            pixels[0, 0] = 200 if label == "cat" else 100
            Image.fromarray(pixels).save(place / "data" / label / f"{number:02d}.png")
    cats = place / "data" / "cat"
    (cats / "01.png").write_bytes((cats / "00.png").read_bytes())
    (cats / "02.png").write_bytes((cats / "02.png").read_bytes()[:60])
    (cats / "03.png").rename(cats / HOSTILE)
    training = {"proxy": "mlp", "epochs": 11, "size": 8}
    types = ["el2n", "dual", "aum"]
    pipeline.score(place / "s", str(place / "data"), types=types, training=training, settings=SKIP)
    pipeline.score(place / "s", types=["class_median"], settings=SKIP)
    return place / "s"


def asked(made: Path, *keys: str, **of: Any) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = pipeline.why(made, list(keys), **of)["samples"]
    return samples


def every_key(made: Path) -> list[str]:
    keys: list[str] = Store(made).dataset.samples["key"].to_pylist()
    return keys


@pytest.mark.parametrize("method", [name for name, how in SELECTORS.items() if "texts" not in how.needs])
def test_every_selector_has_words_for_what_it_left(method: str, made: Path) -> None:
    row = SELECTORS[method]
    score = {"score": "el2n"} if "scores" in row.needs and not row.score else {}
    target = {"target": str(made)} if method == "gio" or "target" in row.supplied else {}
    pipeline.select(made, method=method, count=8, name=method, settings=CPU, **score, **target)
    found = pipeline.why(made, every_key(made), selection=method)
    assert found["method"] == method
    verdicts = [one["verdict"] for one in found["samples"]]
    assert (verdicts.count("kept"), verdicts.count("unusable"), verdicts.count("dropped")) == (8, 1, 31)
    for one in found["samples"]:
        assert (one["rank"] is not None) == (one["verdict"] == "kept")
        if one["verdict"] == "kept":
            assert one["why"].startswith(f"{method} took it: ")
        elif one["verdict"] == "dropped":
            assert "{" not in one["why"]
            assert "unknown" not in one["why"]
            said = (f"{method} did not take it", f"{method} left it out", "it was left out")
            assert one["why"].startswith(said)
    assert json.dumps(found, allow_nan=False)


def test_numbers_of_a_sample(made: Path) -> None:
    pipeline.select(made, method="top", score="el2n", count=8, name="numbers", settings=CPU)
    store, keys = Store(made), every_key(made)
    samples = asked(made, *keys, selection="numbers")
    scores = store.scores()["el2n"]
    features = store.column("embedding.proxy").read().astype(np.float64)
    kept = store.selection("numbers").rows
    usable = np.flatnonzero(np.isfinite(scores))
    for row, one in enumerate(samples):
        if row not in usable:
            continue
        below = (scores[usable] < scores[row]).sum() + 0.5 * (scores[usable] == scores[row]).sum()
        assert one["scores"]["el2n"]["percentile"] == pytest.approx(100 * below / len(usable))
        others = kept[kept != row]
        distances = np.linalg.norm(features[others] - features[row], axis=1)
        assert one["nearest_kept"]["distance"] == pytest.approx(distances.min())
        near = keys.index(one["nearest_kept"]["key"])
        assert np.linalg.norm(features[near] - features[row]) == pytest.approx(distances.min())
    last = f"{scores[store.selection('numbers').rows[store.selection('numbers').ranks.argmax()]]:.4g}"
    dropped = next(one for one in samples if one["verdict"] == "dropped")
    assert f"is not above {last}, that of the last one taken" in dropped["why"]
    assert dropped["class"]["of"] in {19, 20}


def test_each_reason_is_said(made: Path) -> None:
    pipeline.select(
        made,
        method="random",
        count=5,
        drop_hardest="0.1",
        drop_by="el2n",
        given=["cat/05.png"],
        quota="equal",
        name="reasons",
        settings=CPU,
    )
    given, broken, copy, first = asked(
        made, "cat/05.png", "cat/02.png", "cat/01.png", "cat/00.png", selection="reasons"
    )
    assert (given["verdict"], broken["verdict"]) == ("given", "unusable")
    assert "given as chosen already" in given["why"]
    assert broken["why"].startswith("it cannot be used: ")
    assert broken["nearest_kept"] is None
    assert copy["duplicate_of"] == "cat/00.png"
    assert first["copies"] == {"count": 1, "keys": ["cat/01.png"]}
    others = asked(made, *every_key(made), selection="reasons")
    assert any("among the hardest 10 % by el2n" in one["why"] for one in others)
    assert any("of 20 that its class keeps" in one["why"] for one in others)


def test_a_twin_names_its_partner(made: Path) -> None:
    pipeline.select(made, method="semdedup", name="twins", options={"eps": 1e-4}, settings=CPU)
    left = [one for one in asked(made, "cat/00.png", "cat/01.png", selection="twins") if one["rank"] is None]
    assert len(left) == 1
    partner = {"cat/00.png": "cat/01.png", "cat/01.png": "cat/00.png"}[left[0]["key"]]
    assert left[0]["why"] == f"semdedup left it out: it is like {partner}, which ranks before it"


def test_it_works_without_an_embedding(images: Path, elsewhere: Path) -> None:
    pipeline.score("s", str(images), types=["input_norm"], settings=CPU)
    pipeline.select("s", method="top", score="input_norm", count=4, settings=CPU)
    samples = asked(Path("s"), *every_key(Path("s")))
    assert {one["nearest_kept"] for one in samples} == {None}
    assert sum(one["verdict"] == "kept" for one in samples) == 4


def test_a_key_that_is_not_there_is_answered_with_the_nearest(made: Path) -> None:
    pipeline.select(made, method="random", count=5, name="random", settings=CPU)
    for mistyped in ("07.png", "dog/07.jpg", "data/dog/07.png"):
        with pytest.raises(OptionError, match="no sample has the key") as wrong:
            asked(made, mistyped)
        assert "/07.png" in wrong.value.hint
    with pytest.raises(OptionError, match="nor 1 other key"):
        asked(made, "nothing", "cat/00.png", "neither")
    with pytest.raises(OptionError, match="at least one key") as wrong:
        asked(made)
    assert wrong.value.hint.startswith("prune why")
    with pytest.raises(StoreError, match="no selection called 'rendom'"):
        asked(made, "cat/00.png", selection="rendom")


def test_a_hostile_key_is_text(made: Path, prune: Any) -> None:
    key = f"cat/{HOSTILE}"
    pipeline.select(made, method="random", count=5, name="random", settings=CPU)
    shown = prune("why", key, "--store", str(made), "--selection", "random")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert json.loads(prune("why", key, "--store", str(made), "--json").out)["samples"][0]["key"] == key
    wrong = prune("why", "\x1b[2Jx", "--store", str(made))
    assert (wrong.code, "\x1b" in wrong.err) == (2, False)


def test_a_method_of_another_version_still_has_words(made: Path) -> None:
    pipeline.select(made, method="random", count=5, name="random", settings=CPU)
    from prune.store import read_selection

    chosen = read_selection(Store(made), "random")
    object.__setattr__(chosen, "about", {**chosen.about, "method": "new_one"})
    rules = Rules(chosen, chosen.manifest, {})
    assert {rules.of(row).why for row in range(40)} == {
        "new_one took it: it is among those chosen",
        "new_one did not take it: others went before it",
        *(reason for reason in {rules.of(row).why for row in range(40)} if "left out" in reason),
    }


@pytest.mark.parametrize("method", ["kmeans", "prototypes", "semdedup"])
def test_the_cluster_of_a_sample_is_said(method: str, made: Path, prune: Any) -> None:
    options = {"clusters": 3}
    pipeline.select(made, method=method, count=8, name="parts", quota="equal", options=options, settings=CPU)
    samples = asked(made, *every_key(made), selection="parts")
    for label in ("cat", "dog"):  # each class has clusters of its own
        mine = [one for one in samples if one["label"] == label and one["verdict"] != "unusable"]
        assert {one["cluster"] for one in mine} <= {0, 1, 2}
        assert len({one["cluster"] for one in mine}) > 1
    assert [one["cluster"] for one in samples if one["verdict"] == "unusable"] == [None]
    shown = prune("why", "dog/09.png", "--store", str(made), "--selection", "parts").out
    assert "\n  cluster " in shown
    about = Store(made).selection("parts").about
    assert "cluster_of" not in about["facts"]


def test_what_an_earlier_selection_dropped_is_said_of_that_one(made: Path) -> None:
    pipeline.select(made, method="semdedup", name="unique", options={"eps": 1e-4}, settings=CPU)
    pipeline.select(made, method="top", score="el2n", count=12, within="unique", name="hard", settings=CPU)
    pipeline.select(made, method="random", count=4, within="hard", name="few", settings=CPU)
    keys = every_key(made)
    few, hard, unique = (asked(made, *keys, selection=name) for name in ("few", "hard", "unique"))
    ended = {"few": 0, "hard": 0, "unique": 0}
    for last, middle, first in zip(few, hard, unique, strict=True):
        if first["verdict"] == "dropped":
            said = f"unique, which hard was chosen within, did not keep it: {first['why']}"
            assert first["why"].startswith("semdedup left it out: it is like ")
            assert last["why"] == f"hard, which few was chosen within, did not keep it: {said}"
            ended["unique"] += 1
        elif middle["verdict"] == "dropped":
            assert middle["why"].startswith("top did not take it: its el2n, ")
            assert last["why"] == f"hard, which few was chosen within, did not keep it: {middle['why']}"
            ended["hard"] += 1
        elif last["verdict"] == "dropped":
            assert last["why"].startswith("random did not take it")
            ended["few"] += 1
        elif last["verdict"] == "kept":
            assert last["why"].endswith(", among the 12 that hard kept")
    assert ended == {"unique": 1, "hard": 26, "few": 8}


def test_an_earlier_selection_that_is_gone_is_not_asked(made: Path) -> None:
    pipeline.select(made, method="semdedup", name="first", options={"eps": 1e-4}, settings=CPU)
    pipeline.select(made, method="random", count=12, within="first", name="second", settings=CPU)
    pipeline.select(made, method="random", count=4, within="second", name="third", settings=CPU)
    pipeline.select(made, method="random", count=11, within="first", name="second", settings=CPU)
    said = {one["why"] for one in asked(made, *every_key(made), selection="third")}
    gone = "third was chosen within second, which was made again since or is gone, and did not keep it"
    assert gone in said
    twins = [why for why in said if "is like" in why]
    assert len(twins) == 1
    assert twins[0].startswith("it was left out: it is like ")  # by whom is no longer known


def test_two_selections_within_one_another_are_told_apart(made: Path) -> None:
    pipeline.select(made, method="random", count=6, name="a", settings=CPU)
    pipeline.select(made, method="random", fraction=1, within="a", name="b", settings=CPU)
    pipeline.select(made, method="random", fraction=1, within="b", name="a", settings=CPU)
    for one in asked(made, *every_key(made), selection="a"):
        assert one["verdict"] != "dropped" or one["why"].startswith("b, which a was chosen within, did not")


def test_what_is_held_out_is_none_of_the_class_that_could_be_kept(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32))
    np.save(tmp_path / "y.npy", np.arange(40) % 2)
    store = Store(tmp_path / "store")
    held = Settings(reading={"holdout": 0.25, "labels": str(tmp_path / "y.npy")})
    pipeline.embed(store, str(tmp_path / "x.npy"), features=str(tmp_path / "x.npy"), settings=held)
    pipeline.select(store, method="random", count=6, quota="equal")
    (one,) = pipeline.why(store, store.selection("random").keys[0])["samples"]
    assert one["class"] == {"kept": 3, "of": 15}
    keys, manifest = store.dataset.samples["key"].to_pylist(), store.selection("random")
    could = sorted(set(store.dataset.usable.tolist()) - set(manifest.rows.tolist()))
    (left,) = pipeline.why(store, keys[could[0]])["samples"]
    assert left["why"].startswith("random did not take it among the 3 of 15 that its class keeps: ")
    (held_out,) = pipeline.why(store, keys[store.dataset.held_out[0]])["samples"]
    assert held_out["why"] == "it was left out: it is held out, to be tested on (--holdout)"
