from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from prune.arrays import Array
from prune.proxy import cache_images, images_recipe
from prune.store import Column, identity


class Pixels:
    """A reader of arrays; one of them is no image."""

    def __init__(self, pixels: Array, stop: int | None = None) -> None:
        self.pixels, self.stop = pixels, stop

    def images(self, samples: pa.Table) -> Iterator[bytes | Array]:
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


def test_finished_parts_are_not_read_again(
    pixels: Array, made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, dataset, _ = made(np.zeros((20, 1)), [0] * 20)
    monkeypatch.setattr(type(store).write_column, "__kwdefaults__", {"part_rows": 8})
    with pytest.raises(KeyboardInterrupt):
        cache_images(store, Pixels(pixels, stop=17), dataset, 16)
    again = cache_images(store, Pixels(pixels, stop=15), dataset, 16)
    assert again.shape == (20, 3, 16, 16)
    assert list(again.rejects) == [5]
