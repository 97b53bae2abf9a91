"""The probability of the label, at one epoch."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.confidence import confidence

TRACE = np.array([[0.1, 0.9], [0.25, 0.75]], np.float16)


def test_is_the_last_epoch_unless_another_is_named():
    np.testing.assert_allclose(confidence(TRACE), [0.25, 0.75], rtol=1e-3)
    np.testing.assert_allclose(confidence(TRACE, epoch=1), [0.1, 0.9], rtol=1e-3)


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 3"):
        confidence(TRACE, epoch=3)
