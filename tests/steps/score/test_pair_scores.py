"""`score --type clip`: images with their captions, in the space of one model."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import prune
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.core.progress import SILENT
from prune.readers.tar.captions import TarCaptions
from prune.store import Store

CONFIG = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
CAPTIONS = ["a dog", "a cat", "a house", "a dog", "a boat", ""]
SHADES = [0, 50, 100, 150, 200, 200]  # the last two images are equal, their captions are not


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")  # seconds to load
    config = tmp_path_factory.mktemp("clip") / "tiny-pairs.json"
    config.write_text(json.dumps(CONFIG))
    open_clip.add_model_config(config)
    return "clip:tiny-pairs"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("data") / "pairs" / "a.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as out:
        for number, (shade, caption) in enumerate(zip(SHADES, CAPTIONS, strict=True)):
            picture = np.random.default_rng(shade).integers(0, 255, (40, 40, 3), np.uint8)
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "PNG")
            for extension, held in (("png", file.getvalue()), ("txt", caption.encode())):
                member = tarfile.TarInfo(f"{number}.{extension}")
                member.size = len(held)
                out.addfile(member, io.BytesIO(held))
    return str(path.parent)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, data: str, model: str) -> Path:
    place = tmp_path_factory.mktemp("store") / "s"
    made = prune.embed(place, data, encoder=model, weights="random", dtype="float32")
    assert made["column"] == "embedding.clip:tiny-pairs"
    assert made["captions"]["column"] == "embedding.clip_text:tiny-pairs"
    assert made["captions"]["cut"] == {"samples": 0, "limit": "12 tokens"}
    return place


def test_it_is_the_cosine_of_both_towers(store):
    result = prune.score(store, types=["clip"])
    assert result["scores"]["clip"]["high"] == "matching"
    held = Store(store)
    images, captions = (held.column(f"embedding.{name}:tiny-pairs").read() for name in ("clip", "clip_text"))
    scores = held.column("score.clip").read()
    np.testing.assert_allclose(scores, (images * captions).sum(1), atol=1e-5)
    assert (images[4] == images[5]).all()
    assert scores[4] != scores[5]  # each with its own caption
    chosen = prune.select(store, method="top", score="clip", count=2, quota="none", name="best")
    assert chosen["k"] == 2
    assert set(held.selection("best").rows) == set(np.argsort(-scores)[:2])


def test_images_without_a_caption_are_counted(data, model, tmp_path):
    said = Said()
    settings = prune.Settings(reporter=said)
    prune.embed(tmp_path / "s", data, encoder=model, weights="random", settings=settings)
    assert "1 of 6 images have no caption: they count as an empty text" in said.messages
    prune.embed(tmp_path / "s", data, encoder="pixels", settings=settings)
    assert sum("no caption" in message for message in said.messages) == 1


class Said:
    """A reporter that remembers what it was told."""

    def __init__(self):
        self.messages = []

    stage = SILENT.stage

    def say(self, message):
        self.messages.append(message)


def test_a_second_run_computes_nothing(store, data, model):
    again = prune.embed(store, data, encoder=model, dtype="float32")
    assert (again["unchanged"], again["captions"]["unchanged"]) == (True, True)
    for column in ("embedding.clip:tiny-pairs", "embedding.clip_text:tiny-pairs"):
        assert "--weights random" in Store(store).commands[column]  # which the second run did not name
    assert prune.score(store, types=["clip"])["unchanged"] is True


def test_captions_of_equal_images_are_told_apart_by_selectors(store):
    chosen = prune.select(
        store, method="kcenter", on="clip_text:tiny-pairs", count=5, quota="none", name="captions"
    )
    assert chosen["k"] == 5
    rows = set(Store(store).selection("captions").rows.tolist())
    assert {4, 5} <= rows  # equal images, but captions that are far from each other
    assert len({0, 3} & rows) == 1  # of equal captions one is enough


def test_by_default_samples_are_near_by_their_images(store):
    prune.select(store, method="kcenter", count=5, quota="none", name="images")
    assert len({4, 5} & set(Store(store).selection("images").rows.tolist())) == 1


def test_without_both_columns_it_says_what_makes_them(data, tmp_path):
    with pytest.raises(MissingColumnError, match="no embedding of images and of their captions") as caught:
        prune.score(tmp_path / "s", data, types=["clip"])
    assert "--encoder clip:ViT-B-32.laion2b_s34b_b79k --weights default" in caught.value.hint
    (tmp_path / "texts.txt").write_text("a dog\na cat\n")
    with pytest.raises(OptionError, match="and the dataset is of texts without"):
        prune.score(tmp_path / "t", str(tmp_path / "texts.txt"), types=["clip"])


def test_towers_of_different_weights_are_not_compared(data, model, tmp_path):
    place = tmp_path / "s"
    prune.embed(place, data, encoder=model, weights="random")
    other = prune.Settings(seed=1)
    prune.embed(place, data, encoder=model.replace("clip:", "clip_text:"), weights="random", settings=other)
    with pytest.raises(StoreError, match="were made with different weights"):
        prune.score(place, types=["clip"])


def test_captions_that_change_while_they_are_read_are_refused(data, model, store, tmp_path, monkeypatch):
    path = tmp_path / "pairs" / "a.tar"
    path.parent.mkdir()
    before = (Path(data) / "a.tar").read_bytes()
    path.write_bytes(before)
    read = TarCaptions.payloads

    def changed(self, samples):
        path.write_bytes(before.replace(b"a cat", b"a cow"))
        yield from read(self, samples)

    asked = {"encoder": f"clip_text:{model.partition(':')[2]}", "weights": "random", "dtype": "float32"}
    monkeypatch.setattr(TarCaptions, "payloads", changed)
    with pytest.raises(StoreError, match="stale: a.tar changed while it was read"):
        prune.embed(tmp_path / "s", str(path.parent), **asked)
    monkeypatch.undo()
    path.write_bytes(before)
    made = prune.embed(tmp_path / "s", str(path.parent), **asked)
    captions = [Store(place).column(made["column"]).read() for place in (tmp_path / "s", store)]
    np.testing.assert_array_equal(*captions)
