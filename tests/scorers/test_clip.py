"""The CLIP score: a cosine."""

import numpy as np

from prune.scorers import SCORERS

clip = SCORERS["clip"].function


def test_by_hand():
    pictures = np.array([[1, 0], [3, 4], [0, 2], [1, 1], [0, 0]], np.float16)
    captions = np.array([[2, 0], [4, 3], [0, -1], [1, -1], [1, 0]], np.float16)
    np.testing.assert_allclose(clip(pictures, captions), [1, 0.96, -1, 0, 0], atol=1e-7)


def test_length_does_not_matter_and_rounding_leaves_it_in_range():
    vectors = np.random.default_rng(0).standard_normal((500, 64)).astype(np.float32)
    scores = clip(vectors, 1000 * vectors)
    assert (scores <= 1).all()
    np.testing.assert_allclose(scores, 1, atol=1e-6)
