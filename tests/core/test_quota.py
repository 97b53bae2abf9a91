"""Budgets add up to exactly k, and a quota holds for the whole selection and for its prefixes."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prune.core.errors import DataError, OptionError
from prune.core.quota import budgets, groups, keep_count, select_under_quota
from prune.core.selection import Selection, merge


@pytest.mark.parametrize(
    ("fraction", "n", "k"),
    [
        ("0.29", 100, 29),
        (0.29, 100, 29),
        (np.float32(0.5), 3, 2),  # 1.5 rounds up
        ("0.5", 5, 3),
        ("0.3", 50_000, 15_000),
        ("1", 7, 7),
        ("1e0", 7, 7),
        ("0.0001", 10, 1),
        ("1e-99999999", 10, 1),
        ("0.1499999999999999999999", 10, 1),
        ("0.15", 10, 2),
    ],
)
def test_fraction_is_read_from_its_decimal_text_and_rounded_half_up(
    fraction: str | float, n: int, k: int
) -> None:
    assert keep_count(fraction, n) == k


@pytest.mark.parametrize(
    "text", ["0", "-0.1", "1.5", "nan", "inf", "abc", "", "1e-99999999999999999999", "sNaN"]
)
def test_fraction_that_keeps_nothing_or_too_much_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(OptionError, match=f"(?m)^--fraction must be over 0 and at most 1, not {text}$"):
        keep_count(text, 100)


def test_fraction_of_no_samples_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="fraction of 0 samples"):
        keep_count("0.5", 0)


@pytest.mark.parametrize(
    ("counts", "k", "kind", "split"),
    [
        ([50, 30, 20], 10, "proportional", [5, 3, 2]),
        ([1, 1, 1], 2, "proportional", [1, 1, 0]),  # equal remainders: the lower class
        ([70, 20, 10], 5, "proportional", [4, 1, 0]),  # 3.5, 1, 0.5: the lower of two equal remainders
        ([100, 100, 100], 10, "equal", [4, 3, 3]),
        ([2, 100, 100], 50, "equal", [2, 24, 24]),
        ([0, 5, 5], 4, "equal", [0, 2, 2]),
        ([3, 0, 1], 4, "equal", [3, 0, 1]),
        ([3, 1], 0, "proportional", [0, 0]),
    ],
)
def test_budgets_by_hand(counts: list[int], k: int, kind: str, split: list[int]) -> None:
    assert budgets(counts, k, kind).tolist() == split


@pytest.mark.parametrize(
    ("counts", "errors", "k", "split"),
    [
        ([100, 100, 100], [0.1, 0.2, 0.3], 60, [10, 20, 30]),
        (
            [200, 100, 100],
            [0.1, 0.2, 0.2],
            60,
            [20, 20, 20],
        ),  # the fraction kept is proportional to the error
        ([100, 100, 10], [0.1, 0.1, 1.0], 50, [20, 20, 10]),  # the last is full; the others share the rest
        ([100, 100], [0.0, 0.5], 60, [0, 60]),
        ([100, 100], [0.0, 0.5], 140, [40, 100]),  # no room elsewhere
        ([100, 300], [0.0, 0.0], 40, [10, 30]),
        ([1, 1, 1], [0.5, 0.5, 0.5], 1, [1, 0, 0]),
        ([0, 5], [1.0, 0.1], 5, [0, 5]),
    ],
)
def test_budgets_by_error_by_hand(counts: list[int], errors: list[float], k: int, split: list[int]) -> None:
    assert budgets(counts, k, "drop", errors=np.array(errors)).tolist() == split


def test_budgets_by_error_of_ten_thousand_classes_add_up_between_floor_and_cap() -> None:
    rng = np.random.default_rng(0)
    counts, errors = rng.integers(1, 2_000_000, 10_000), rng.random(10_000)
    split = budgets(counts, 10**9, "drop", floor=5, cap=300_000, errors=errors)
    assert split.sum() == 10**9
    assert (split >= np.minimum(counts, 5)).all()
    assert (split <= np.minimum(counts, 300_000)).all()
    free = (split > 5) & (split < np.minimum(counts, 300_000))
    rate = split[free] / (counts[free] * errors[free])
    assert np.ptp(rate[counts[free] * errors[free] > 1e5]) / rate.mean() < 1e-3


def test_errors_that_do_not_fit_are_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="wants an error for each of 2 classes, not none"):
        budgets([3, 4], 2, "drop")
    with pytest.raises(ValueError, match=r"errors span \[0.1, 1.5\]"):
        budgets([3, 4], 2, "drop", errors=np.array([0.1, 1.5]))


def test_errors_go_by_class_id_and_classes_without_candidates_do_not_count() -> None:
    labels = np.array([0, 0, 2, 2, 5, 5, 5, 5])
    errors = np.array([0.1, 9, 0.1, 9, 9, 0.3])
    shares = groups(labels, np.arange(8), 4, "drop", errors=errors)
    assert [(rows.tolist(), k) for rows, k in shares] == [([0, 1], 1), ([4, 5, 6, 7], 3)]


def test_floor_and_cap_bound_every_class_that_is_large_enough() -> None:
    assert budgets([90, 9, 1], 10, "proportional", floor=2).tolist() == [7, 2, 1]
    assert budgets([90, 9, 1], 10, "proportional", cap=5).tolist() == [5, 5, 0]
    assert budgets([90, 9, 1], 8, "proportional", floor=1, cap=4).tolist() == [4, 3, 1]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.data())
def test_budgets_add_up_and_stay_near_their_share(counts: list[int], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, sum(counts)))
    for kind in ("proportional", "equal"):
        split = budgets(counts, k, kind)
        assert split.sum() == k
        assert (split >= 0).all()
        assert (split <= counts).all()
        if kind == "proportional" and k:
            shares = [Fraction(k * c, sum(counts)) for c in counts]
            assert all(abs(int(b) - s) < 1 for b, s in zip(split, shares, strict=True))
        if kind == "equal":
            open_ = [int(b) for b, c in zip(split, counts, strict=True) if b < c]
            assert not open_ or max(split) - min(open_) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"floor": 4}, "a floor of 4 takes 12 samples, more than the 10 to keep"),
        ({"cap": 3}, "a cap of 3 allows 9 samples, fewer than the 10 to keep"),
        ({"floor": 3, "cap": 2}, "a cap of 2 is below the floor of 3"),
        ({"floor": -1}, "a floor of -1"),
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        budgets([10, 10, 10], 10, "equal", **options)


def test_more_than_all_samples_is_refused() -> None:
    with pytest.raises(OptionError, match="cannot keep 31 of 30 samples"):
        budgets([10, 20], 31, "equal")


def test_a_quota_that_splits_nothing_and_negative_counts_are_mistakes_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'none' splits nothing"):
        budgets([1], 1, "none")
    with pytest.raises(ValueError, match="-1 samples"):
        budgets([1, -1], 0, "equal")


def test_merge_interleaves_by_rank_within_the_class_and_keeps_what_belongs_to_a_row() -> None:
    large = Selection.of([10, 11, 12, 13], gains=[4, 3, 2, 1], weights=[1, 2, 3, 4])
    small = Selection.of([20, 21], gains=[9, 8], weights=[5, 6])
    merged = merge([large, small])
    assert merged.rows.tolist() == [10, 20, 11, 12, 21, 13]  # 1/8, 2/8, 3/8, 5/8, 6/8, 7/8
    assert merged.gains.tolist() == [4, 9, 3, 2, 8, 1]
    assert merged.weights.tolist() == [1, 5, 2, 3, 6, 4]
    assert len(merge([])) == 0


def test_every_prefix_of_a_merged_selection_keeps_the_shares_of_the_classes() -> None:
    sizes = [40, 25, 10, 5]
    starts = np.cumsum([0, *sizes])
    merged = merge([Selection.of(np.arange(a, b)) for a, b in itertools.pairwise(starts)])
    which = np.searchsorted(starts, merged.rows, side="right") - 1
    for m in range(1, 81):
        have = np.bincount(which[:m], minlength=4)
        assert np.abs(have - np.array(sizes) * m / 80).max() <= 2


def _lowest(rows: np.ndarray, k: int) -> Selection:
    return Selection.of(rows[:k], gains=rows[:k])


def test_quota_runs_the_selector_on_each_class_and_answers_in_rows_of_the_dataset() -> None:
    labels = np.array([0, 1, 0, 1, 2, 0, 0, 1])
    chosen = select_under_quota(_lowest, groups(labels, np.array([1, 2, 3, 5, 6, 7]), 4, "equal"))
    assert sorted(chosen.rows.tolist()) == [1, 2, 3, 5]
    assert chosen.gains.tolist() == chosen.rows.tolist()


def test_no_quota_needs_no_labels() -> None:
    chosen = select_under_quota(_lowest, groups(np.full(9, -1), np.array([4, 6, 8]), 2, "none"))
    assert chosen.rows.tolist() == [4, 6]


def test_quota_over_unlabelled_candidates_says_how_many() -> None:
    labels = np.where(np.arange(100) < 40, -1, 0)
    with pytest.raises(DataError, match="--quota needs labels, 37 samples have none"):
        groups(labels, np.arange(3, 100), 5, "proportional")
    with pytest.raises(OptionError, match="cannot keep 5 of 3 samples"):
        groups(labels, np.arange(3), 5, "none")


@pytest.mark.parametrize("bounds", [{"floor": 1}, {"cap": 3}, {"quota": "drop", "errors": np.ones(2)}])
def test_what_splits_a_budget_is_refused_where_there_is_none(bounds: dict[str, Any]) -> None:
    words = {"quota": "equal", **bounds}
    with pytest.raises(OptionError, match="splits a budget, and there is none") as caught:
        groups(np.array([0, 1]), np.arange(2), None, **words)
    assert "--count or --fraction" in str(caught.value.hint)
