"""The cross-entropy, at one epoch."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.loss import loss

TRACE = np.array([[np.log(2), 12.0], [0.0, 0.5]])


def test_is_the_last_epoch_unless_another_is_named():
    np.testing.assert_allclose(loss(TRACE), [0, 0.5], rtol=1e-3)
    np.testing.assert_allclose(loss(TRACE, epoch=1), [np.log(2), 12], rtol=1e-3)


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 3"):
        loss(TRACE, epoch=3)
