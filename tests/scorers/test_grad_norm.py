"""GraNd is the column that the proxy wrote, as it stands."""

import numpy as np

from prune.scorers.grad_norm import grad_norm


def test_is_the_length_itself_and_not_a_view_of_it():
    gradient = np.array([0.0, 2.5, np.nan, 1e4], np.float32)
    scores = grad_norm(gradient)
    np.testing.assert_array_equal(scores, gradient)
    assert not np.shares_memory(scores, gradient)
