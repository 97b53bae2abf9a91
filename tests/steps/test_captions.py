"""Images with captions: image verbs see the image, and whatever looks at texts sees the caption."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import prune
from prune.core.errors import OptionError
from prune.store import Store

CAPTIONS = [
    f"a {shade} picture of {what} {i}"
    for i in range(8)
    for shade, what in (("red", "soup"), ("blue", "code"))
]
CAPTIONS[5] = CAPTIONS[3].upper()  # a copy, but for case
CAPTIONS[7] = "<script>alert(1)</script> & more"


def tar(path: Path, captions: list[str] | None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as out:
        for number in range(len(CAPTIONS)):
            file = io.BytesIO()
            Image.fromarray(np.full((8, 8, 3), 10 * number, np.uint8)).save(file, "PNG")
            held = {"png": file.getvalue(), "cls": str(number % 2).encode()}
            held |= {} if captions is None else {"txt": captions[number].encode()}
            for extension, data in held.items():
                member = tarfile.TarInfo(f"{number:02d}.{extension}")
                member.size = len(data)
                out.addfile(member, io.BytesIO(data))
    return str(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with captions, the same captions as texts, and a store of each with an embedding by `ngrams`."""
    home = tmp_path_factory.mktemp("pairs")
    lines = [json.dumps({"id": f"{i:02d}", "text": text}) for i, text in enumerate(CAPTIONS)]
    (home / "texts.jsonl").write_text("\n".join(lines) + "\n")
    tar(home / "pairs" / "a.tar", CAPTIONS)
    prune.embed(home / "pairs.prune", str(home / "pairs"), encoder="ngrams", dtype="float32")
    prune.embed(home / "texts.prune", str(home / "texts.jsonl"), dtype="float32")
    return home


def both(home: Path, what):
    return what(home / "pairs.prune"), what(home / "texts.prune")


def test_an_encoder_of_texts_sees_the_captions(home):
    pairs, texts = both(home, lambda store: Store(store).column("embedding.ngrams").read())
    np.testing.assert_array_equal(pairs, texts)
    assert Store(home / "pairs.prune").column("embedding.ngrams").recipe["captions"].startswith("the members")


def test_an_encoder_of_images_sees_the_images(home):
    made = prune.embed(home / "pairs.prune", encoder="pixels", dtype="float32")
    shades = Store(home / "pairs.prune").column(made["column"]).read()[:, 0]
    np.testing.assert_allclose(shades, np.arange(len(CAPTIONS)) * 10 / 127.5 - 1, atol=1e-6)
    assert Store(home / "pairs.prune").dataset.modality == "image"


def test_scores_and_selections_by_texts_see_the_captions(home):
    both(home, lambda store: prune.score(store, types=["length"]))
    pairs, texts = both(home, lambda store: Store(store).column("score.length").read())
    np.testing.assert_array_equal(pairs, texts)
    assert pairs.tolist() == [len(text) for text in CAPTIONS]
    (home / "wanted.txt").write_text("a red picture of soup\n")
    wanted = {"target": str(home / "wanted.txt"), "count": 4, "quota": "none"}
    for method, words in (
        ("minhash", {"fraction": 0.9, "quota": "none"}),
        ("dsir", {**wanted, "options": {"shortest": 0}}),
        ("normsim", {**wanted, "on": "ngrams"}),
    ):
        both(home, lambda store, m=method, w=words: prune.select(store, method=m, **w))
        pairs, texts = both(home, lambda store, m=method: Store(store).selection(m).rows)
        np.testing.assert_array_equal(pairs, texts)


def test_what_has_no_captions_is_refused_as_before(home, tmp_path):
    data = tar(tmp_path / "plain" / "a.tar", None)
    with pytest.raises(OptionError, match="the encoder ngrams takes texts, and the dataset is of images"):
        prune.embed(tmp_path / "store", data, encoder="ngrams")
    with pytest.raises(OptionError, match="length looks at texts, and the dataset is of images"):
        prune.score(tmp_path / "store", data, types=["length"])


def test_other_captions_make_another_column(home, tmp_path):
    store = tmp_path / "store"
    first = prune.embed(store, str(home / "pairs"), encoder="ngrams")
    again = prune.embed(store, str(home / "pairs"), encoder="ngrams")
    assert (first["unchanged"], again["unchanged"]) == (False, True)
    words = prune.Settings(reading={"image_column": "png", "text_field": "cls"})
    other = prune.embed(store, str(home / "pairs"), encoder="ngrams", settings=words)
    assert other["unchanged"] is False
    assert other["shape"] != first["shape"]


def test_one_sees_the_picture_and_reads_the_caption(home, tmp_path):
    prune.select(home / "pairs.prune", method="random", count=8, name="shown")
    told = prune.why(home / "pairs.prune", keys=["03"], selection="shown")
    assert told["texts"]["03"] == CAPTIONS[3]
    prune.report(home / "pairs.prune", out=str(tmp_path / "page.html"), selection="shown")
    page = (tmp_path / "page.html").read_text()
    assert "<script>alert(1)" not in page
    cards = re.findall(r'<figure class="sample.*?</figure>', page, re.DOTALL)
    for card in cards:
        assert "data:image/png" in card
        assert '<bdi class="text">' in card
    assert any("&lt;script&gt;alert(1)" in card for card in cards)
