"""DeepFool's column as a score."""

import numpy as np

from prune.scorers.deepfool import deepfool


def test_keeps_the_distances_and_nan():
    given = np.array([0.0, 2.5, np.nan], np.float32)
    np.testing.assert_array_equal(deepfool(given), given)


def test_what_nothing_moves_scores_as_the_farthest_of_the_others():
    found = deepfool(np.array([1, np.inf, 4, np.nan], np.float32))
    np.testing.assert_array_equal(found, np.array([1, 4, 4, np.nan], np.float32))
    assert deepfool(np.array([np.inf], np.float32)).tolist() == [0]
