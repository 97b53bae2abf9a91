from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from prune.core.arrays import Array
from prune.proxy import cache_images, images_recipe
from prune.proxy.cache import part_rows
from prune.store import Column, identity


class Pixels:
    """A reader of arrays; one of them is no image."""

    def __init__(self, pixels: Array, stop: int | None = None) -> None:
        self.pixels, self.stop, self.streams = pixels, stop, 0

    def payloads(self, samples: pa.Table) -> Iterator[bytes | Array]:
        self.streams += 1
        for key in samples["key"].to_pylist():
            if int(key) == self.stop:
                raise KeyboardInterrupt
            yield b"not an image" if int(key) == 5 else self.pixels[int(key)]


@pytest.fixture
def pixels() -> Array:
    return np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)


def test_images_are_cached_and_rejects_named(pixels: Array, made: Callable[..., Any]) -> None:
    store, dataset, _ = made(np.zeros((20, 1)), [0] * 20, bad={2: "gone"})
    column = cache_images(store, Pixels(pixels), dataset, 16)
    assert column.name == "images.16"
    assert list(column.rejects) == [5]
    expected = pixels.transpose(0, 3, 1, 2).copy()
    expected[[2, 5]] = 0
    np.testing.assert_array_equal(column.read(), expected)
    assert identity(column.recipe) == identity(images_recipe(dataset, 16))


def test_images_are_shrunk(pixels: Array, made: Callable[..., Any]) -> None:
    store, dataset, _ = made(np.zeros((20, 1)), [0] * 20)
    flat = np.full_like(pixels, 77)
    column: Column = cache_images(store, Pixels(flat), dataset, 8)
    assert column.shape == (20, 3, 8, 8)
    assert set(np.unique(np.delete(column.read(), 5, 0))) == {77}


@pytest.mark.parametrize(("size", "rows"), [(4, 65_536), (32, 21_760), (64, 5376), (224, 256), (1024, 256)])
def test_a_part_takes_64_mebibytes_or_256_images(size: int, rows: int) -> None:
    assert part_rows(size) == rows


N = 600  # images of 300 pixels, in parts of 256 and batches of 31, which do not tile a part
SIZE = 300


@pytest.fixture
def large() -> Array:
    shades = np.random.default_rng(0).integers(0, 256, (N, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(shades, (N, SIZE, SIZE, 3))


def test_finished_parts_are_not_read_again(large: Array, made: Callable[..., Any]) -> None:
    store, dataset, _ = made(np.zeros((N, 1)), [0] * N)
    with pytest.raises(KeyboardInterrupt):
        cache_images(store, Pixels(large, stop=540), dataset, SIZE)
    again = cache_images(store, Pixels(large, stop=500), dataset, SIZE)
    assert again.shape == (N, 3, SIZE, SIZE)
    assert again.part_rows == 256
    assert list(again.rejects) == [5]
    expected = large[:, 0, 0].copy()
    expected[5] = 0
    for start, block in again.blocks():
        np.testing.assert_array_equal(block[:, :, 7, 299], expected[start : start + len(block)])


def test_a_gap_between_finished_parts_is_filled(large: Array, made: Callable[..., Any]) -> None:
    store, dataset, _ = made(np.zeros((N, 1)), [0] * N)
    before = cache_images(store, Pixels(large), dataset, SIZE)
    names = before.files
    (before.folder / next(name for name in names if name.startswith("part-00001"))).unlink()
    reader = Pixels(large, stop=512)
    assert cache_images(store, reader, dataset, SIZE).files == names
    assert reader.streams == 1


def test_neighbouring_parts_are_one_stream_so_that_workers_start_once(
    large: Array, made: Callable[..., Any]
) -> None:
    store, dataset, _ = made(np.zeros((N, 1)), [0] * N)
    reader = Pixels(large)
    column = cache_images(store, reader, dataset, SIZE)
    assert len(list(column.blocks())) == 3
    assert reader.streams == 1
