"""Scores of windows of a trace, by hand, against plain loops, and with toys that fix which end is which."""

from itertools import pairwise

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.scorers import SCORERS
from prune.scorers.dual import dual
from prune.scorers.dyn_unc import dyn_unc
from prune.scorers.epochs import remark, windows
from prune.scorers.eva import eva
from prune.scorers.tdds import tdds

P_LABEL = np.random.default_rng(0).random((23, 40)).astype(np.float16)

LINES = {  # probability of the label after each epoch
    "certain": np.full(12, 0.98),
    "boundary": np.tile([0.35, 0.65], 6),
    "mislabelled": np.full(12, 0.02),
    "late": np.linspace(0.05, 0.95, 12),
    "low": np.tile([0.1, 0.4], 6),
    "high": np.tile([0.6, 0.9], 6),
}


def toy(score, *names, **options):
    trace = np.stack([LINES[n] for n in names], 1).astype(np.float16)  # as a trace is stored
    return dict(zip(names, score(trace, **options).tolist(), strict=True))


def test_windows_advance_by_one_epoch_and_are_cut_to_the_trace():
    trace = np.arange(4.0)[:, None]
    assert [part.ravel().tolist() for part in windows(trace, 3)] == [[0, 1, 2], [1, 2, 3]]
    assert [part.ravel().tolist() for part in windows(trace, 9)] == [[0, 1, 2, 3]]


# -- dyn_unc and dual --------------------------------------------------------------------------------------


def test_dyn_unc_by_hand():
    p = np.array([[0.0], [1.0], [1.0]])  # windows (0, 1) and (1, 1)
    assert dyn_unc(p, window=2).item() == np.float32(np.sqrt(0.5) / 2)
    assert dyn_unc(p).item() == np.float32(np.sqrt(1 / 3))  # one window: the whole


def test_dual_by_hand():
    p = np.array([[0.0], [1.0], [1.0]])
    assert dual(p, window=2).item() == np.float32(np.sqrt(0.5) * 0.5 / 2)


@pytest.mark.parametrize(
    ("score", "worth"),
    [
        (dyn_unc, lambda part: part.std(ddof=1)),
        (dual, lambda part: part.std(ddof=1) * (1 - part.mean())),
    ],
)
def test_equals_a_plain_loop(score, worth):
    for n, found in enumerate(score(P_LABEL)):
        line = P_LABEL[:, n].astype(float)
        expected = np.mean([worth(line[k : k + 10]) for k in range(23 - 10 + 1)])
        assert found == pytest.approx(expected, rel=1e-6)


def test_dyn_unc_is_high_on_the_boundary_and_0_where_nothing_moves():
    found = toy(dyn_unc, "certain", "boundary", "mislabelled")
    assert found["boundary"] > 0.1
    assert found["certain"] == found["mislabelled"] == 0


def test_dual_prefers_the_harder_of_two_that_move_alike():
    assert toy(dyn_unc, "low")["low"] == pytest.approx(toy(dyn_unc, "high")["high"], rel=1e-2)
    found = toy(dual, "low", "high", "certain", "mislabelled")
    assert found["low"] > 2 * found["high"] > found["certain"] == found["mislabelled"] == 0


@pytest.mark.parametrize(("score", "least"), [(dyn_unc, 2), (dual, 2), (tdds, 3), (eva, 2)])
def test_a_window_too_short_to_compare_is_refused(score, least):
    with pytest.raises(OptionError, match=f"window={least - 1} is not at least {least}"):
        score(P_LABEL, window=least - 1)


# -- tdds --------------------------------------------------------------------------------------------------


def predictions(t, n, c, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(c), (t, n))  # (t, n, c)


def drift(p):
    """The fact `divergence` of a trace: from the epoch before; 0 at the first."""
    steps = np.abs(p[1:] * (np.log(p[1:]) - np.log(p[:-1]))).sum(-1)
    return np.concatenate([np.zeros((1, p.shape[1])), steps])


def test_tdds_from_predictions_by_a_plain_loop():
    t, n, window, decay = 14, 6, 5, 0.9
    p = predictions(t, n, 4)
    expected = np.zeros(n)
    for i in range(n):
        for k in range(t - window + 1):
            inside = p[k : k + window, i]
            d = [np.abs(b * np.log(b / a)).sum() for a, b in pairwise(inside)]
            deviation = np.sqrt(sum((x - np.mean(d)) ** 2 for x in d))
            expected[i] += decay * (1 - decay) ** (t - window - k) * deviation
    np.testing.assert_allclose(tdds(drift(p), window=window), expected, rtol=1e-6)


def test_the_window_of_tdds_advances_and_the_last_counts_most():
    d = np.zeros((12, 3))
    d[2, 0] = d[11, 1] = 1.0  # a jump early, a jump late; the third never moves
    early, late, still = tdds(d, window=4)
    assert late == pytest.approx(0.9 * np.sqrt(2 / 3))  # 1, 0, 0 in the last window alone
    assert 0 < early < 1e-5 * late
    assert still == 0


def test_with_decay_1_only_the_last_window_counts():
    d = np.random.default_rng(0).random((12, 5))
    last = d[-4:]
    expected = np.sqrt(np.square(last - last.mean(0)).sum(0))
    np.testing.assert_allclose(tdds(d, window=5, decay=1.0), expected, rtol=1e-6)


def test_tdds_is_0_where_predictions_drift_evenly():
    assert tdds(np.full((9, 1), 0.3), window=4).item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("decay", [0.0, -1.0, 1.5, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(OptionError, match=f"decay={decay} is not above 0 and at most 1"):
        tdds(P_LABEL, decay=decay)


# -- eva ---------------------------------------------------------------------------------------------------


def test_eva_by_hand():
    error = np.array([[0.0, 0.0], [1.0, 3.0], [5.0, 5.0], [1.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    assert eva(error, window=2).tolist() == [np.float32(0.05 + 0.5), np.float32(0.45)]  # ½ and 4½; ½ and 0
    np.testing.assert_array_equal(eva(error, window=99), eva(error, window=3))  # the halves never overlap


def test_both_windows_of_eva_count_alike_however_much_less_the_late_errors_move():
    draws = np.random.default_rng(0)
    early, late = draws.gamma(3, 1, 300), 0.01 * draws.gamma(3, 1, 300)
    error = np.concatenate([early * np.tile([[0.0], [1.0]], (5, 1)), late * np.tile([[0.0], [1.0]], (5, 1))])
    first, last = error[:10].var(0, ddof=1), error[-10:].var(0, ddof=1)
    expected = first / first.sum() / 2 + last / last.sum() / 2
    found = eva(error, window=10)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.sum() == pytest.approx(1, rel=1e-5)
    assert np.corrcoef(found, last)[0, 1] > 0.5 < np.corrcoef(found, first)[0, 1]


def test_samples_without_an_error_are_no_part_of_what_eva_divides_by():
    error = np.random.default_rng(1).random((8, 5))
    lacking = np.insert(error, [0, 3], np.nan, axis=1)
    found = eva(lacking, window=4)
    assert np.isnan(found).tolist() == [True, False, False, False, True, False, False]
    np.testing.assert_array_equal(found[np.isfinite(found)], eva(error, window=4))


def test_a_window_of_eva_that_never_varies_adds_nothing():
    still = np.full((4, 3), 0.25)
    assert eva(np.concatenate([still, still]), window=4).tolist() == [0, 0, 0]
    moves = np.random.default_rng(2).random((4, 3))
    share = moves.var(0, ddof=1) / moves.var(0, ddof=1).sum() / 2
    for error in ([moves, still], [still, moves]):
        np.testing.assert_allclose(eva(np.concatenate(error), window=4), share, rtol=1e-6)


def test_eva_is_blind_to_what_lies_between_its_windows():
    error = np.random.default_rng(0).random((10, 4))
    other = error.copy()
    other[3:7] += 1
    np.testing.assert_array_equal(eva(error, window=3), eva(other, window=3))


def test_eva_is_high_on_the_boundary_and_0_where_nothing_moves():
    found = toy(lambda p: eva(np.sqrt(2) * (1 - p)), "certain", "boundary", "mislabelled", "late")
    assert found["boundary"] > found["late"] > found["certain"] == found["mislabelled"] == 0


# -- what the user is told -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("dyn_unc", {"window": 10}, "dyn_unc: the window of 10 epochs is cut to the 8 there are"),
        ("dyn_unc", {"window": 8}, ""),
        (
            "dual",
            {"window": 6, "first": 2, "last": 4},
            "dual: the window of 6 epochs is cut to the 3 there are",
        ),
        ("eva", {"window": 10}, "eva: 8 epochs do not hold two windows of 10; it compares windows of 4"),
        ("eva", {"window": 4}, ""),
        ("aum", {"first": 1}, ""),
    ],
)
def test_a_window_that_does_not_fit_is_told(name, options, said):
    assert remark(SCORERS[name], options, 8) == said
