"""Intervals over seeds: by hand, beside scipy, and how often they hold for accuracies of known variance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from prune.steps.evaluate.intervals import (
    MOST_SEEDS,
    Difference,
    mean_interval,
    paired_difference,
    seeds_above,
)

DRAWS = 2000
SPREAD = 0.006  # of an accuracy over seeds, as CIFAR-10 has it


def _simulated(truth: float, seeds: int, shared: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw accuracies: what a seed gives to both and to each; random varies more, as its sets do."""
    rng = np.random.default_rng(20)
    drawn = []
    for _ in range(DRAWS):
        common = rng.normal(0.7, shared, seeds)
        method = truth + common + rng.normal(0, SPREAD, seeds)
        random = common + rng.normal(0, 1.5 * SPREAD, seeds)
        drawn.append((method, random))
    return drawn


def _covers(one: Difference, truth: float) -> bool:
    assert one.low is not None
    assert one.high is not None
    return one.low <= truth <= one.high


@pytest.mark.parametrize("shared", [0.01, 0.0], ids=["paired", "unpaired"])
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("truth", [0.0, 0.01])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds: int, truth: float, shared: float) -> None:
    drawn = _simulated(truth, seeds, shared)
    share = np.mean([_covers(paired_difference(*both), truth) for both in drawn])
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize("tested", [100, 360, 10_000])
def test_of_accuracies_that_are_counts_of_test_samples_intervals_hold_no_less_often(tested: int) -> None:
    covered = []
    for method, random in _simulated(0.01, 3, shared=0.01):
        counted = (np.round(both * tested) / tested for both in (method, random))
        covered.append(_covers(paired_difference(*counted, resolution=1 / tested), 0.01))
    assert np.mean(covered) >= 0.93


def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(21)
    inside = 0
    for _ in range(DRAWS):
        found = mean_interval(rng.normal(0.7, SPREAD, 3).tolist())
        inside += found.low <= 0.7 <= found.high
    assert 0.93 <= inside / DRAWS <= 0.97


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_gate_at_no_difference_is_passed_and_failed_by_chance_at_most_once_in_twenty(seeds: int) -> None:
    drawn = [paired_difference(*both) for both in _simulated(0.0, seeds, shared=0.0)]
    assert np.mean([one.low >= 0 for one in drawn]) <= 0.05
    assert np.mean([one.high < 0 for one in drawn]) <= 0.05
    margin = -0.002
    at_the_border = [paired_difference(*both) for both in _simulated(margin, seeds, shared=0.0)]
    assert np.mean([one.low >= margin for one in at_the_border]) <= 0.05


def test_by_hand() -> None:
    found = paired_difference([0.72, 0.73, 0.74], [0.70, 0.70, 0.70])  # 0.02, 0.03, 0.04: s = 0.01
    half = 4.302652729911275 * 0.01 / math.sqrt(3)
    assert found.mean == pytest.approx(0.03)
    assert (found.low, found.high) == pytest.approx((0.03 - half, 0.03 + half))
    assert (found.verdict, found.more_seeds, found.seeds, found.paired) == ("better", 0, 3, True)
    assert paired_difference([0.70] * 3, [0.72, 0.73, 0.74]).verdict == "worse"


@pytest.mark.parametrize(("n", "level"), [(3, 0.95), (3, 0.9), (2, 0.99)])
def test_as_scipy_has_it(n: int, level: float) -> None:
    rng = np.random.default_rng(n)
    first, twin = rng.normal(0.7, 0.01, n), rng.normal(0.69, 0.02, n)
    paired = stats.ttest_rel(first, twin).confidence_interval(level)
    found = paired_difference(first, twin, level)
    assert (found.low, found.high) == pytest.approx((paired.low, paired.high))


def test_pairs_that_vary_together_are_told_apart_where_the_same_numbers_apart_are_not() -> None:
    method, random = [0.71, 0.75, 0.79], [0.70, 0.741, 0.779]
    paired = paired_difference(method, random)
    apart = stats.ttest_ind(method, random, equal_var=False).confidence_interval(0.95)
    assert paired.high - paired.low < (apart.high - apart.low) / 20
    assert paired.verdict == "better"
    assert apart.low < 0 < apart.high


def test_so_many_more_seeds_tell_and_one_fewer_do_not() -> None:
    method, random = [0.71, 0.72, 0.70], [0.70, 0.70, 0.70]  # mean 0.01, s = 0.01
    found = paired_difference(method, random)
    assert found.verdict == "not told apart"

    def half(n: int) -> float:
        return stats.t.ppf(0.975, n - 1) * 0.01 / math.sqrt(n)

    assert half(3 + found.more_seeds) < 0.01 <= half(2 + found.more_seeds)


@pytest.mark.parametrize("least", [-0.002, 0.004])
def test_so_many_more_seeds_lift_the_lower_end_and_one_fewer_does_not(least: float) -> None:
    found = paired_difference([0.71, 0.72, 0.70], [0.70, 0.70, 0.70])  # mean 0.01, s = 0.01
    more = seeds_above(found, least)

    def low(n: int) -> float:
        return 0.01 - stats.t.ppf(0.975, n - 1) * 0.01 / math.sqrt(n)

    assert low(2 + more) < least <= low(3 + more)


def test_no_seeds_lift_a_mean_that_is_too_low() -> None:
    found = paired_difference([0.71, 0.72, 0.70], [0.70, 0.70, 0.70])
    assert seeds_above(found, 0.0101) is None
    assert seeds_above(found, 0.00999) is None  # more than anybody trains
    assert seeds_above(found, found.low) == 0


def test_nothing_is_advised_that_nobody_would_train() -> None:
    assert paired_difference([0.71, 0.69], [0.70, 0.70]).more_seeds is None  # no difference at all
    far = paired_difference([0.71, 0.6901], [0.70, 0.70])
    assert (far.verdict, far.more_seeds) == ("not told apart", None)
    assert MOST_SEEDS == 100


def test_one_seed_has_no_interval() -> None:
    found = paired_difference([0.9], [0.1])
    assert (found.low, found.high, found.verdict, found.more_seeds) == (None, None, "not told apart", None)
    assert found.mean == pytest.approx(0.8)
    assert mean_interval([0.9]).low is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, 0.98, 1.0], "99.33 [96.46, 100.00]"),
        ([0.0, 0.02, 0.0], "0.67 [0.00, 3.54]"),
        ([0.74, 0.75, 0.76], "75.00 ± 2.48"),
        ([0.74], "74.00"),
    ],
)
def test_an_interval_of_an_accuracy_ends_where_accuracies_do(values: list[float], told: str) -> None:
    found = mean_interval(values)
    assert str(found) == told
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.mean <= found.high <= 1


def test_equal_by_rounding_is_not_sure() -> None:
    step = 1 / 100  # of 100 test samples
    method, random = [0.71, 0.71], [0.70, 0.70]
    assert paired_difference(method, random).verdict == "better"
    assert paired_difference(method, random, resolution=step).verdict == "not told apart"
    assert paired_difference([0.81] * 5, [0.70] * 5, resolution=step).verdict == "better"


def test_the_same_is_not_told_apart() -> None:
    found = paired_difference([0.7, 0.7, 0.7], [0.7, 0.7, 0.7])
    assert (found.low, found.high, found.verdict) == (0.0, 0.0, "not told apart")


@pytest.mark.parametrize(
    ("method", "random", "level", "said"),
    [
        ([0.1, 0.2], [0.1], 0.95, "2 accuracies of the method, but 1 of random"),
        ([], [], 0.95, "at least one"),
        ([0.1, math.nan], [0.1, 0.2], 0.95, "not finite"),
        ([0.1, 0.2], [0.1, 0.2], 1.0, "level 1.0"),
    ],
)
def test_wrong_numbers_are_refused(method, random, level, said) -> None:
    with pytest.raises(ValueError, match=said):
        paired_difference(method, random, level)
