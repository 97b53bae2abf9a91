"""EL2N by hand and at its ends."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.el2n import el2n


def error_of(probs, label):
    return np.linalg.norm(probs - np.eye(len(probs))[label])


def test_by_hand():
    # p = (0.6, 0.4), y = 0: error (−0.4, 0.4), length 0.4·√2
    error = np.array([[error_of(np.array([0.6, 0.4]), 0)]])
    np.testing.assert_allclose(el2n(error), [0.4 * np.sqrt(2)], rtol=1e-6)


def test_certain_and_right_is_zero_certain_and_wrong_is_root_two():
    ends = np.array([[error_of(np.array([1.0, 0.0]), y) for y in (0, 1)]])
    np.testing.assert_allclose(el2n(ends), [0, np.sqrt(2)], rtol=1e-6)


def test_looks_at_the_twentieth_of_many_epochs_and_on_the_way_of_few():
    error = np.arange(1, 41, dtype=np.float32)[:, None]
    assert [el2n(error[:t]).item() for t in (1, 2, 5, 10, 20, 30)] == [1, 2, 3, 6, 12, 18]
    assert el2n(error).item() == 20
    assert el2n(error, epoch=3).item() == 3


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 9"):
        el2n(np.ones((2, 4)), epoch=9)
