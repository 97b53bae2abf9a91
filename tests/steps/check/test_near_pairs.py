"""Pairs of images that are near: copies are found, others are not, and the limit follows the data."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prune.steps.check.near_pairs import LEAST, MOST, Thumbnails, limit_of, near_pairs
from prune.store import Column, Store, identity

SIDE = 32


def pictures(count: int, seed: int) -> np.ndarray:
    """Smooth pictures with some detail, each of its own: (n, 32, 32, 3)."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        large = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int64)
        made.append(np.clip(large + rng.integers(-12, 13, (SIDE, SIDE, 1)), 0, 255))
    return np.array(made, np.uint8)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The same, through a JPEG."""
    held = io.BytesIO()
    Image.fromarray(image).save(held, "JPEG", quality=quality)
    return np.asarray(Image.open(held))


def smaller(image: np.ndarray) -> np.ndarray:
    """The same at half the size, and back."""
    half = Image.fromarray(image).resize((SIDE // 2, SIDE // 2), Image.Resampling.BILINEAR)
    return np.asarray(half.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def column(folder: Path, images: np.ndarray) -> Thumbnails:
    """Thumbnails in parts of 16."""
    store, recipe = Store(folder), {"column": "images", "of": folder.name}
    with store.writing():
        writer = store.write_column("images.32", recipe, rows=len(images), part_rows=16)
        for part in writer.missing():
            writer.put(part, images[part.start : part.stop].transpose(0, 3, 1, 2))
        made: Column = store.open_column("images.32", identity(writer.finish().recipe))
    return Thumbnails(made, np.arange(len(images)))


@pytest.fixture(scope="module")
def originals() -> np.ndarray:
    return pictures(40, 0)


CHANGES = {
    "quality 90": lambda x: jpeg(x, 90),
    "quality 30": lambda x: jpeg(x, 30),
    "half the size": smaller,
    "brighter": lambda x: np.clip(x.astype(int) * 0.8 + 40, 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_are_found_and_nothing_else(tmp_path: Path, originals: np.ndarray, change: str) -> None:
    changed = np.array([CHANGES[change](image) for image in originals[:10]])
    others = pictures(30, 1)
    one = column(tmp_path / "one", originals)
    found = near_pairs(one, column(tmp_path / "two", np.concatenate([others, changed])))
    assert list(zip(found.one.tolist(), found.two.tolist(), strict=True)) == [(i, 30 + i) for i in range(10)]
    assert not found.flipped.any()
    assert (found.similarity >= found.limit).all()


def test_mirror_images_are_found_as_such(tmp_path: Path, originals: np.ndarray) -> None:
    two = column(tmp_path / "two", originals[:5, :, ::-1])
    found = near_pairs(column(tmp_path / "one", originals), two)
    assert found.one.tolist() == found.two.tolist() == [0, 1, 2, 3, 4]
    assert found.flipped.all()


def test_within_one_dataset_each_pair_stands_both_ways(tmp_path: Path, originals: np.ndarray) -> None:
    images = np.concatenate([originals, originals[3:4], originals[7:8, :, ::-1]])
    found = near_pairs(column(tmp_path / "one", images))
    pairs = zip(found.one.tolist(), found.two.tolist(), found.flipped.tolist(), strict=True)
    assert sorted(pairs) == [(3, 40, False), (7, 41, True), (40, 3, False), (41, 7, True)]


def test_rows_are_named_as_in_the_column(tmp_path: Path, originals: np.ndarray) -> None:
    one = column(tmp_path / "one", originals)
    one.rows = np.arange(20, 40)
    found = near_pairs(one, column(tmp_path / "two", originals[25:26]))
    assert (found.one.tolist(), found.two.tolist()) == ([25], [0])


def test_images_of_one_colour_and_none_at_all_resemble_nothing(tmp_path: Path) -> None:
    plain = column(tmp_path / "plain", np.full((20, SIDE, SIDE, 3), 255, np.uint8))
    assert not len(near_pairs(plain).one)
    plain.rows = plain.rows[:0]
    assert not len(near_pairs(plain).one)


def test_the_limit_follows_how_alike_samples_are_that_are_no_copies() -> None:
    rng = np.random.default_rng(0)
    unlike = np.tanh(rng.normal(0.2, 0.1, 1000))
    assert limit_of(unlike) == pytest.approx(LEAST, abs=0.01)
    assert LEAST < limit_of(np.tanh(rng.normal(0.8, 0.1, 1000))) < MOST
    assert limit_of(np.tanh(rng.normal(3.0, 0.1, 1000))) == MOST
    assert limit_of(np.empty(0)) == LEAST


def test_copies_among_the_measured_hardly_lift_the_limit() -> None:
    rng = np.random.default_rng(0)
    unlike = np.tanh(rng.normal(0.5, 0.1, 1000))
    spoilt = np.concatenate([unlike, np.full(100, 0.999)])
    assert limit_of(spoilt) == pytest.approx(limit_of(unlike), abs=0.05)


def test_few_held_out_images_of_a_kind_that_is_alike_are_no_copies(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    grey = np.kron(load_digits().images[:1000] * 15.9, np.ones((4, 4))).astype(np.uint8)
    digits = np.repeat(grey[..., None], 3, axis=3)
    held_out = [*digits[960:], *(jpeg(digit, 90) for digit in digits[:3])]
    one, two = column(tmp_path / "one", digits[:960]), column(tmp_path / "two", np.array(held_out))
    assert len(set(near_pairs(one, two, limit=0.88).one.tolist())) > 50  # what forty by themselves would say
    found = near_pairs(one, two)
    assert list(zip(found.one.tolist(), found.two.tolist(), strict=True)) == [(0, 40), (1, 41), (2, 42)]
