"""Which epoch a score looks at."""

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers.epochs import at_epoch

TRACE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float16)


def test_epochs_are_numbered_from_one():
    assert at_epoch(TRACE, 1).tolist() == [1, 2]
    assert at_epoch(TRACE, 3).tolist() == [5, 6]


def test_without_a_wish_the_default_counts_and_then_the_last():
    assert at_epoch(TRACE, None, 2).tolist() == [3, 4]
    assert at_epoch(TRACE, None).tolist() == [5, 6]
    assert at_epoch(TRACE, 1, 2).tolist() == [1, 2]


def test_an_epoch_after_the_last_says_how_to_train_longer():
    with pytest.raises(OptionError, match="the trace has epochs 1 to 3, not 25") as caught:
        at_epoch(TRACE, 25)
    assert "--epochs 25" in caught.value.hint


@pytest.mark.parametrize("epoch", [0, -1])
def test_there_is_no_epoch_before_the_first(epoch):
    with pytest.raises(OptionError, match=f"not {epoch}") as caught:
        at_epoch(TRACE, epoch)
    assert caught.value.hint == "the first epoch is epoch=1"
