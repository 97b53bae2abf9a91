"""The length of images, by hand and against a loop."""

import numpy as np

from prune.scorers.input_norm import MEAN, STD, input_norm


def test_by_hand():
    black = np.zeros((1, 3, 1, 1), np.uint8)
    expected = np.sqrt(sum((m / s) ** 2 for m, s in zip(MEAN, STD, strict=True)))
    np.testing.assert_allclose(input_norm(black), [expected], rtol=1e-6)


def test_the_mean_colour_is_the_shortest_and_white_the_longest():
    images = np.zeros((3, 3, 4, 4), np.uint8)
    images[0] = np.rint(255 * np.array(MEAN))[:, None, None]
    images[2] = 255
    scores = input_norm(images)
    assert scores[0] < 0.1
    assert scores[0] < scores[1] < scores[2]


def test_equals_the_formula_in_double_precision():
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 9, 9), np.uint8)
    mean, std = (np.array(c)[:, None, None] for c in (MEAN, STD))
    expected = [np.linalg.norm((image / 255 - mean) / std) for image in images]
    np.testing.assert_allclose(input_norm(images), expected, rtol=1e-6)


def test_channels_are_not_interchangeable():
    images = np.random.default_rng(1).integers(0, 256, (4, 3, 5, 5), np.uint8)
    assert (input_norm(images) != input_norm(images[:, ::-1])).all()


def test_no_images_have_no_norms():
    assert input_norm(np.zeros((0, 3, 4, 4), np.uint8)).shape == (0,)
