"""One early epoch for the proxy, which keeps its weights, and for the scorers, which look at it."""

from prune.core.epochs import EARLY_EPOCH, early_epoch, error_epoch
from prune.proxy.config import Training, kept_epochs, stored_epochs
from prune.scorers.grad_norm import grad_norm


def test_the_early_epoch_is_the_twentieth_or_the_last():
    assert [early_epoch(t) for t in (1, 10, 20, 21, 200)] == [1, 10, 20, 20, 20]


def test_errors_are_read_before_a_short_schedule_ends():
    assert [error_epoch(t) for t in (1, 2, 3, 5, 10, 33, 34, 200)] == [1, 2, 2, 3, 6, 20, 20, 20]


def test_the_weights_of_the_early_epoch_and_of_the_last_are_kept():
    assert kept_epochs(10) == [10]
    assert kept_epochs(200) == [20, 200]


def test_small_weights_stay_of_every_epoch_and_of_large_ones_where_scores_look():
    assert stored_epochs(Training(epochs=10), 1_000_000) == list(range(1, 11))
    assert stored_epochs(Training(epochs=10, stop=4), 1_000_000) == [1, 2, 3, 4]
    assert stored_epochs(Training(epochs=10), 100_000_000) == [6, 10]
    assert stored_epochs(Training(epochs=200), 100_000_000) == [20, 200]
    assert stored_epochs(Training(epochs=10, stop=4), 100_000_000) == [4]  # taken over from the whole one


def test_the_page_of_grad_norm_names_the_only_epoch_it_can_look_at():
    assert f"after epoch {EARLY_EPOCH}," in grad_norm.__doc__
