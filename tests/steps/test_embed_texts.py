"""`embed` on texts: what it takes by default, what it promises, and a target that is seen as the pool was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import prune
from prune.core.errors import DataError, OptionError, StoreError
from prune.encoders.ngrams import Ngrams
from prune.store import Store

FOOD = "soup bread salt butter apple spoon oven plate"
CODE = "loop array class stack queue thread cache type"


def lines(path: Path, n: int, words: str, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    texts = [f"{' '.join(rng.choice(words.split(), 6))} {seed}x{i}" for i in range(n)]
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        for text in texts:
            file.write(json.dumps({"text": text}) + "\n")
    return texts


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of 60 texts about code and 20 about food, a target about food, and a store of the pool."""
    home = tmp_path_factory.mktemp("texts")
    lines(home / "pool.jsonl", 60, CODE, 1)
    lines(home / "pool.jsonl", 20, FOOD, 2)
    lines(home / "wanted.jsonl", 12, FOOD, 3)
    made = prune.embed(home / ".prune", str(home / "pool.jsonl"))
    assert made["column"] == "embedding.ngrams"
    return home


def files_of(store: Path) -> dict[str, bytes]:
    (folder,) = (store / "columns" / "embedding.ngrams").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_texts_about_the_same_are_near_each_other(home):
    values = np.asarray(Store(home / ".prune").column("embedding.ngrams"), np.float32)
    assert values.shape[0] == 80
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=2e-3)
    near = values @ values.T
    np.fill_diagonal(near, -1)
    assert ((near.argmax(1) >= 60) == (np.arange(80) >= 60)).all()


def test_a_killed_run_ends_in_the_same_bytes_and_learns_once(home, tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    def die(*_):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(Ngrams, "encode", die)
        with pytest.raises(KilledError):
            prune.embed(tmp_path / "s", str(home / "pool.jsonl"))
    with monkeypatch.context() as patched:
        patched.setattr(Ngrams, "learn", die)  # what was learnt lies there
        prune.embed(tmp_path / "s", str(home / "pool.jsonl"))
    assert files_of(tmp_path / "s") == files_of(home / ".prune")


def test_threads_change_nothing_and_again_changes_nothing(home, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    prune.embed(tmp_path / "s", str(home / "pool.jsonl"), dtype="float32")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    prune.embed(tmp_path / "t", str(home / "pool.jsonl"), dtype="float32")
    assert files_of(tmp_path / "s") == files_of(tmp_path / "t")
    assert Store(tmp_path / "s").column("embedding.ngrams").dtype == np.float32
    again = prune.embed(tmp_path / "s", dtype="float32")
    assert again["unchanged"]


def test_another_seed_is_another_column(home, tmp_path):
    prune.embed(tmp_path / "s", str(home / "pool.jsonl"))
    made = prune.embed(tmp_path / "s", settings=prune.Settings(seed=1))
    assert not made["unchanged"]
    assert Store(tmp_path / "s").recipe_of("embedding.ngrams")["seed"] == 1


def test_a_text_that_cannot_be_read_is_a_reject_and_its_row_is_nan(home, tmp_path):
    data = tmp_path / "pool.jsonl"
    lines(data, 10, CODE, 1)
    with data.open("a") as file:
        file.write('{"text": 3}\n')
    settings = prune.Settings(on_error="skip", max_bad=0.2)
    prune.embed(tmp_path / "s", str(data), settings=settings)
    values = np.asarray(Store(tmp_path / "s").column("embedding.ngrams"))
    assert np.isnan(values[10]).all()
    assert np.isfinite(values[:10]).all()


def test_texts_that_were_cut_are_counted(tmp_path):
    data = tmp_path / "long.jsonl"
    lines(data, 5, CODE)
    with data.open("a") as file:
        file.write(json.dumps({"text": "word " * 30_000}) + "\n")
    made = prune.embed(tmp_path / "s", str(data))
    assert made["cut"] == {"samples": 1, "limit": "100,000 characters"}
    assert prune.embed(tmp_path / "s")["cut"]["samples"] == 1  # also where nothing was done


def test_an_encoder_of_the_other_kind_is_refused_with_one_that_fits(home):
    with pytest.raises(OptionError, match="resnet18 takes images, and the dataset is of texts") as caught:
        prune.embed(home / ".prune", encoder="resnet18")
    command = caught.value.hint.split()
    assert command[:2] == ["prune", "embed"]
    assert command[command.index("--encoder") + 1] == "ngrams"
    assert str(home / "pool.jsonl") in command


@pytest.mark.parametrize("method", ["gio", "kcenter"])
def test_a_target_of_texts_is_seen_as_the_pool_was(home, method):
    options = {"target": str(home / "wanted.jsonl")} if method == "gio" else {}
    chosen = prune.select(home / ".prune", method=method, count=12, **options)
    rows = Store(home / ".prune").selection(method).rows
    assert chosen["k"] == 12
    share = (rows >= 60).mean()
    assert share == 1 if method == "gio" else share < 1


def test_a_text_of_the_pool_has_the_same_row_as_in_a_target(home, tmp_path):
    pool = (home / "pool.jsonl").read_text().splitlines()
    (tmp_path / "some.jsonl").write_text("\n".join(pool[55:65]) + "\n")
    prune.select(home / ".prune", method="gio", count=3, target=str(tmp_path / "some.jsonl"), name="other")
    seen = [
        np.asarray(Store(place).column("embedding.ngrams"))
        for place in (home / ".prune" / "targets").iterdir()
        if len(Store(place).dataset) == 10
    ]
    whole = np.asarray(Store(home / ".prune").column("embedding.ngrams"))
    np.testing.assert_array_equal(seen[0], whole[55:65])


def test_another_store_that_learnt_something_else_is_no_target(home, tmp_path):
    prune.embed(tmp_path / "other", str(home / "wanted.jsonl"))
    with pytest.raises(OptionError, match="learnt from another dataset") as caught:
        prune.select(home / ".prune", method="gio", count=3, target=str(tmp_path / "other"))
    assert "name the dataset" in caught.value.hint


def test_a_target_of_images_is_no_target_of_texts(home, tmp_path):
    from PIL import Image

    for name in "ab":
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "pictures" / name / "0.png")
    with pytest.raises(OptionError, match="images"):
        prune.select(home / ".prune", method="gio", count=3, target=str(tmp_path / "pictures"))


def test_what_was_learnt_is_checked_and_made_again(home, tmp_path):
    prune.embed(tmp_path / "s", str(home / "pool.jsonl"))
    (folder,) = (tmp_path / "s" / "columns" / "embedding.ngrams").iterdir()
    before = files_of(tmp_path / "s")
    (learnt,) = folder.glob("learnt-*")
    learnt.write_bytes(learnt.read_bytes()[:-1] + b"!")
    assert prune.verify(tmp_path / "s")["exit_code"] == 4
    with pytest.raises((StoreError, DataError)):
        prune.select(tmp_path / "s", method="gio", count=3, target=str(home / "wanted.jsonl"))
    prune.embed(tmp_path / "s")
    assert files_of(tmp_path / "s") == before
    assert prune.verify(tmp_path / "s")["exit_code"] == 0


def static_folder(place: Path) -> Path:
    """A model2vec folder: a vector for each word of both kinds of texts."""
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *CODE.split(), *FOOD.split()])}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    vectors = np.random.default_rng(0).normal(size=(len(vocabulary), 8)).astype(np.float32)
    vectors[9:, 0] += 6  # of food
    place.mkdir()
    (place / "tokenizer.json").write_text(json.dumps(tokenizer))
    safetensors.numpy.save_file({"embeddings": vectors}, place / "model.safetensors")
    return place


def test_a_target_is_embedded_with_the_weights_that_were_named_for_the_pool(home, tmp_path, monkeypatch):
    pytest.importorskip("tokenizers", reason="the extra text is not installed")
    folder, store = static_folder(tmp_path / "static"), tmp_path / "s"
    monkeypatch.chdir(tmp_path)
    prune.embed(store, str(home / "pool.jsonl"), encoder="static", weights="static")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    prune.select(store, method="gio", count=12, target=str(home / "wanted.jsonl"))
    assert (Store(store).selection("gio").rows >= 60).all()
    folder.rename(tmp_path / "moved")
    lines(tmp_path / "other.jsonl", 5, FOOD, 9)
    with pytest.raises(OptionError, match="weights that are not at hand") as caught:
        prune.select(store, method="gio", count=12, target=str(tmp_path / "other.jsonl"), name="two")
    assert "--encoder static --weights FILE" in caught.value.hint
