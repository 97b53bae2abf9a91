"""The lead of the first class over the second, at one epoch."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.margin import margin

TRACE = np.array([[0.0, 1.0], [0.25, 0.5]], np.float16)


def test_is_the_last_epoch_unless_another_is_named():
    np.testing.assert_allclose(margin(TRACE), [0.25, 0.5], rtol=1e-3)
    np.testing.assert_allclose(margin(TRACE, epoch=1), [0, 1], rtol=1e-3)


def test_an_epoch_that_was_not_trained_is_refused():
    with pytest.raises(OptionError, match="epochs 1 to 2, not 3"):
        margin(TRACE, epoch=3)
