"""Leaks, each planted: the same bytes, the same pixels, re-encoded, resized, mirrored, the same words."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import prune as library
from prune.core.errors import DataError, OptionError, RejectsError
from prune.steps.check.leaks import KINDS, find_leaks
from prune.steps.settings import Settings
from prune.store import Store


def picture(number: int, side: int = 48) -> Image.Image:
    """A smooth picture of its own for each number, with some detail."""
    rng = np.random.default_rng(number)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    large = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), np.int64)
    return Image.fromarray(np.clip(large + rng.integers(-12, 13, (side, side, 1)), 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


PLANTED = {  # number of the training image -> what the test set has of it
    0: ("bytes", lambda x: encoded(x, "PNG")),
    1: ("pixels", lambda x: encoded(x, "BMP")),
    2: ("near", lambda x: encoded(x, "JPEG", quality=60)),
    3: ("near", lambda x: encoded(x.resize((24, 24), Image.Resampling.BILINEAR), "PNG")),
    4: ("mirrored", lambda x: encoded(x.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG")),
    5: ("pixels", lambda x: encoded(x, "TIFF")),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training images 0 to 23, of which 5 is of one colour, and a test set with copies of six of them."""
    home = tmp_path_factory.mktemp("leaks")
    for number in range(24):
        path = home / "train" / ("even", "odd")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (48, 48), "navy") if number == 5 else picture(number)
        path.write_bytes(encoded(image, "PNG"))
        if number in PLANTED:
            copy = home / "test" / path.parent.name / f"copy{number}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(PLANTED[number][1](image))
    for number in range(100, 112):
        picture(number).save(home / "test" / ("even", "odd")[number % 2] / f"{number}.png")
    library.embed(home / ".prune", str(home / "train"), encoder="pixels")
    return home


def test_each_kind_of_copy_is_found_and_named(home: Path) -> None:
    leaks = find_leaks(Store(home / ".prune"), str(home / "test"), Settings())
    keys = Store(home / ".prune").dataset.keys
    found = {
        int(Path(keys[row]).stem): (kind, Path(partner).stem)
        for row, kind, partner in zip(leaks.rows.tolist(), leaks.kinds, leaks.partner_keys, strict=True)
    }
    assert found == {number: (kind, f"copy{number}") for number, (kind, _) in PLANTED.items()}
    assert set(leaks.kinds) < set(KINDS)
    assert leaks.held_out == len(PLANTED) + 12
    assert leaks.limit is not None
    assert all(
        (one == 1) == (kind in {"bytes", "pixels"})
        for one, kind in zip(leaks.similarity, leaks.kinds, strict=True)
        if kind != "mirrored"  # without loss, so that its likeness is 1 too
    )


def test_the_second_time_no_image_is_decoded_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_leaks(Store(home / ".prune"), str(home / "test"), Settings())
    monkeypatch.setattr("prune.proxy.cache.read_images", None)  # would fail if it were called
    again = find_leaks(Store(home / ".prune"), str(home / "test"), Settings())
    assert again.partner_keys == first.partner_keys


def test_a_test_set_that_is_the_training_set_leaks_as_a_whole(home: Path) -> None:
    leaks = find_leaks(Store(home / ".prune"), str(home / "train"), Settings())
    assert leaks.rows.tolist() == list(range(24))
    assert set(leaks.kinds) == {"bytes"}


def test_a_held_out_image_that_cannot_be_read_is_listed(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "test", tmp_path / "test")
    (tmp_path / "test" / "odd" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    with pytest.raises(RejectsError, match="1 of 19 held-out samples") as told:
        find_leaks(Store(home / ".prune"), str(tmp_path / "test"), Settings())
    assert told.value.exit_code == 3
    skipping = Settings(on_error="skip", max_bad=0.1)
    assert len(find_leaks(Store(home / ".prune"), str(tmp_path / "test"), skipping).rows) == len(PLANTED)


def _texts(path: Path, texts: list[str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text, "label": "a"}) + "\n" for text in texts))
    return str(path.parent)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("texts")
    data = _texts(home / "train" / "a.jsonl", ["A cat sat.", "The dog ran!", "It rained", "Nobody came"])
    np.save(home / "x.npy", np.eye(4, dtype=np.float32))
    library.embed(home / ".prune", data, features=str(home / "x.npy"))
    return home


def test_texts_leak_by_bytes_and_by_words(texts: Path) -> None:
    held_out = _texts(texts / "test" / "b.jsonl", ["the DOG, ran", "A cat sat.", "another one"])
    leaks = find_leaks(Store(texts / ".prune"), held_out, Settings())
    assert leaks.rows.tolist() == [0, 1]
    assert leaks.kinds == ["bytes", "words"]
    assert leaks.limit is None


LONG = " ".join(f"word{i}" for i in range(120))
KEPT = [
    "The plot of this film was thin, and the actors bored me to tears.",
    LONG,
    "Nobody came.",
    "The waiter brought the soup an hour late and did not say a word.",
    "a b c d e f g",
]
CHANGED = {  # a held-out text -> the row of what it is a copy of, and the kind
    "Nobody came.": (2, "bytes"),
    "THE PLOT of this film was thin and the actors bored me to tears": (0, "words"),
    "The waiter brought the soup one hour late and did not say a word.": (3, "word"),
    LONG.replace("word60", "other"): (1, "near"),
    "Somebody came.": None,
    "a b c d e f h": None,
    "The waiter brought the salad an hour late and did say a word.": None,
    " ".join(f"word{i}" for i in range(60)): None,
}


def test_texts_that_were_changed_a_little_leak_and_nothing_else(tmp_path: Path) -> None:
    data = _texts(tmp_path / "train" / "a.jsonl", KEPT)
    held_out = _texts(tmp_path / "test" / "b.jsonl", list(CHANGED))
    library.embed(tmp_path / ".prune", data)
    leaks = find_leaks(Store(tmp_path / ".prune"), held_out, Settings())
    expected = sorted((*found, row) for row, found in enumerate(CHANGED.values()) if found)
    assert list(zip(leaks.rows.tolist(), leaks.kinds, leaks.partners.tolist(), strict=True)) == expected
    assert leaks.similarity.tolist() == pytest.approx([1, 111 / 121, 1, 13 / 14], abs=1e-6)
    done = library.select(tmp_path / ".prune", method="random", fraction=1, drop_leaks=held_out, name="clean")
    assert done["k"] == 1
    assert done["leaks"][0]["kinds"] == {"bytes": 1, "words": 1, "word": 1, "near": 1}


def test_texts_without_a_partner_are_compared_with_none(tmp_path: Path) -> None:
    data = _texts(tmp_path / "train" / "a.jsonl", KEPT[:2])
    library.embed(tmp_path / ".prune", data)
    leaks = find_leaks(Store(tmp_path / ".prune"), data, Settings())
    assert leaks.kinds == ["bytes", "bytes"]


def test_images_are_no_held_out_texts(texts: Path, home: Path) -> None:
    with pytest.raises(OptionError, match="is of images, and the dataset of .* is of texts"):
        find_leaks(Store(texts / ".prune"), str(home / "test"), Settings())


def test_a_split_of_the_same_dataset_is_named_by_its_name(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "train", tmp_path / "data" / "train")
    shutil.copytree(home / "test", tmp_path / "data" / "test")
    reading = {"split": "train"}
    library.embed(
        tmp_path / ".prune", str(tmp_path / "data"), encoder="pixels", settings=Settings(reading=reading)
    )
    leaks = find_leaks(Store(tmp_path / ".prune"), "test", Settings())
    assert (leaks.held_out, len(leaks.rows)) == (len(PLANTED) + 12, len(PLANTED))
    with pytest.raises(DataError, match="tset"):
        find_leaks(Store(tmp_path / ".prune"), "tset", Settings())
