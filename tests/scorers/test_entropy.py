"""The entropy of the prediction, at one epoch."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.entropy import entropy

TRACE = np.array([[0.0, np.log(4)], [np.log(2), 0.5]])


def test_is_the_last_epoch_unless_another_is_named():
    np.testing.assert_allclose(entropy(TRACE), [np.log(2), 0.5], rtol=1e-3)
    np.testing.assert_allclose(entropy(TRACE, epoch=1), [0, np.log(4)], rtol=1e-3)


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 3"):
        entropy(TRACE, epoch=3)
