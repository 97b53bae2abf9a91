"""Thumbnails as vectors: what an image is like, whatever encoded it."""

from __future__ import annotations

import numpy as np

from prune.modalities.image.thumbnail_vectors import SIDE, coarse, detail, mirrored


def _images(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 256, (count, 3, 8, 8)), np.ones((4, 4))).astype(np.uint8)


def test_colours_of_cells_less_their_mean_by_hand() -> None:
    image = np.zeros((1, 3, SIDE, SIDE), np.uint8)
    image[0, :, :4, :4] = 200  # one cell of 64, in all three colours
    cells = coarse(image).reshape(3, 8, 8)
    assert np.allclose(cells[:, 0, 0], 63 / np.sqrt(3 * (63**2 + 63)), atol=1e-6)
    assert np.allclose(cells[:, 1:, :], -1 / np.sqrt(3 * (63**2 + 63)), atol=1e-6)


def test_steps_are_signed_roots_and_small_ones_are_none() -> None:
    grey = np.full((SIDE, SIDE), 100)
    grey[:, 8:] += 13  # 9 beyond what counts
    grey[:, 16:] -= 29  # 25 beyond
    grey[:, 24:] += 4  # nothing
    image = np.broadcast_to(grey, (1, 3, SIDE, SIDE)).astype(np.uint8)
    across = detail(image)[0, : 16 * 15].reshape(16, 15)
    assert np.flatnonzero(across[0]).tolist() == [3, 7]
    assert np.isclose(across[0, 7] / across[0, 3], -5 / 3)
    assert not detail(image)[0, 16 * 15 :].any()


def test_an_image_of_one_colour_has_no_direction() -> None:
    image = np.full((1, 3, SIDE, SIDE), 77, np.uint8)
    assert not coarse(image).any()
    assert not detail(image).any()


def test_norms_are_one_and_inputs_are_left_alone() -> None:
    images = _images(5)
    images.flags.writeable = False
    for vectors in (coarse(images), detail(images)):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_brightness_and_contrast_do_not_matter_and_mirroring_does() -> None:
    images = _images(3)
    dim = (images // 2 + 40).astype(np.uint8)
    assert (np.einsum("nd,nd->n", coarse(images), coarse(dim)) > 0.999).all()
    assert (np.einsum("nd,nd->n", detail(images), detail(mirrored(images))) < 0.5).all()
    assert np.array_equal(mirrored(mirrored(images)), images)
