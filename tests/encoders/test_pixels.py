"""Pixels as embeddings."""

import numpy as np

from prune.encoders.pixels import pixels


def test_black_is_minus_one_and_white_is_one():
    images = np.zeros((2, 3, 8, 8), np.uint8)
    images[1] = 255
    embeddings = pixels().encode(images)
    assert embeddings.shape == (2, 192)
    assert embeddings.dtype == np.float32
    assert (embeddings[0] == -1).all()
    assert (embeddings[1] == 1).all()


def test_red_comes_first_row_by_row():
    image = np.zeros((1, 3, 8, 8), np.uint8)
    image[0, 0, 0, 1] = 255
    assert np.flatnonzero(pixels().encode(image)[0] > 0).tolist() == [1]


def test_the_identity_says_what_the_embeddings_depend_on():
    assert pixels().identity["encoder"] == "pixels"
    assert pixels().identity["crop"] == 8
