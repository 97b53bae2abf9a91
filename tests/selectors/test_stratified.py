"""Stratified by hand: bins, budgets from the smallest bin, random inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.selectors.stratified import published
from prune.selectors.stratified import stratified as by_key


def stratified(scores: np.ndarray, **options: Any) -> Selection:
    """Keys that are row numbers, as `select_rows` has them."""
    return by_key(scores, [str(row) for row in range(len(scores))], **options)


def _kept(scores: np.ndarray, k: int, bins: int) -> list[int]:
    rows = stratified(scores, k=k, seed=0, bins=bins).rows
    which = np.minimum((scores[rows] * bins).astype(int), bins - 1)
    return np.bincount(which, minlength=bins).tolist()


def test_small_bins_are_kept_whole_and_the_rest_is_shared() -> None:
    scores = np.repeat([0, 0.3, 0.6, 1], [2, 10, 50, 38]).astype(np.float32)
    assert _kept(scores, 32, 4) == [2, 10, 10, 10]
    assert _kept(scores, 13, 4) == [2, 3, 4, 4]  # 13//4 > 2; 11//3 = 3; 8//2 = 4; 4
    assert _kept(scores, 100, 4) == [2, 10, 50, 38]


def test_empty_bins_leave_their_share_to_the_others() -> None:
    scores = np.repeat([0, 1], [30, 70]).astype(np.float32)
    assert _kept(scores, 50, 10) == [25, *[0] * 8, 25]


def test_the_draw_inside_a_bin_is_uniform_and_seeded() -> None:
    scores = np.repeat([0, 1], [20, 20]).astype(np.float32)
    counts = np.zeros(40)
    for seed in range(1000):
        counts[stratified(scores, k=10, seed=seed, bins=2).rows] += 1
    assert abs(counts - 250).max() < 5 * np.sqrt(250 * 0.75)


def test_equal_scores_are_one_bin() -> None:
    assert len(np.unique(stratified(np.full(9, 7, np.float32), k=4, seed=0).rows)) == 4


def test_wide_ranges_do_not_overflow() -> None:
    scores = np.array([-3e38, 0, 3e38], np.float32)
    assert sorted(stratified(scores, k=3, seed=0).rows.tolist()) == [0, 1, 2]


HARD = np.linspace(0, 1, 1000, dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "kept", "share"),
    [
        ("auto", 700, 0),
        ("auto", 500, 0),
        ("auto", 300, 0.1),
        ("auto", 100, 0.3),
        ("auto", 10, 0.3),
        ("cifar100", 700, 0.1),
        ("cifar100", 100, 0.5),
        ("cifar10", 400, 0.05),  # half way between none at 50 % and 0.1 at 30 %
        ("imagenet", 200, 0.2),
        ("0.25", 300, 0.25),
        ("none", 100, 0),
    ],
)
def test_the_hardest_are_cut_off_as_published_for_the_rate(name: str, kept: int, share: float) -> None:
    chosen = stratified(HARD, k=kept, seed=0, cutoff=name, hard="high")
    assert chosen.facts["cutoff"] == pytest.approx(share)
    cut = round(share * 1000)
    assert chosen.plain.facts["dropped"] == list(range(1000 - cut, 1000))
    assert len(np.unique(chosen.rows)) == kept
    assert chosen.rows.max() < 1000 - cut


def test_either_end_may_be_hard_and_where_nobody_says_nothing_is_cut() -> None:
    assert stratified(HARD, k=100, seed=0, hard="low").plain.facts["dropped"] == list(range(300))
    assert stratified(HARD, k=100, seed=0).plain.facts == {"cutoff": 0.0, "dropped": []}


def test_large_data_take_the_row_of_imagenet() -> None:
    many = np.arange(200_000, dtype=np.float32)
    assert stratified(many, k=100_000, seed=0, hard="high").facts["cutoff"] == 0.1
    assert stratified(many[1:], k=100_000, seed=0, hard="high").facts["cutoff"] == 0


@pytest.mark.parametrize(
    ("cutoff", "hard", "message"),
    [
        ("cifar11", "high", "cutoff=cifar11 is not a share from 0 up to 1"),
        ("1.0", "high", "cutoff=1.0 is not a share"),
        ("nan", "high", "cutoff=nan is not a share"),
        ("0.2", None, "cutoff=0.2 cuts off the hard end, and the score does not say which"),
        ("0.6", "high", "cutoff=0.6 leaves 400 of 1000 samples, fewer than the 500 to keep"),
    ],
)
def test_cutoffs_that_make_no_sense(cutoff: str, hard: str | None, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        stratified(HARD, k=500, seed=0, cutoff=cutoff, hard=hard)


def test_no_bins_and_infinite_scores_are_refused() -> None:
    with pytest.raises(OptionError, match="bins=0 is not at least 1"):
        stratified(np.ones(3, np.float32), k=1, seed=0, bins=0)
    with pytest.raises(ValueError, match=r"scores span \[0.0, inf\]"):
        stratified(np.array([0, np.inf], np.float32), k=1, seed=0)


def test_samples_are_drawn_and_cut_by_key_not_by_place() -> None:
    scores = np.repeat(np.linspace(0, 1, 20, dtype=np.float32), 20)  # ties, inside and at the cut
    keys, shuffle = [f"{row}.png" for row in range(400)], np.random.default_rng(0).permutation(400)
    here = by_key(scores, keys, k=40, seed=3, cutoff="0.33", hard="high")
    there = by_key(scores[shuffle], [keys[row] for row in shuffle], k=40, seed=3, cutoff="0.33", hard="high")
    assert set(shuffle[there.rows].tolist()) == set(here.rows.tolist())
    assert set(shuffle[there.plain.facts["dropped"]].tolist()) == set(here.plain.facts["dropped"])


def test_the_row_of_the_table_is_that_of_all_samples_under_a_quota_too() -> None:
    assert (published("auto", 199_999), published("auto", 200_000)) == ("cifar10", "imagenet")
    assert published("0.2", 200_000) == "0.2"
    many = np.arange(200_000, dtype=np.float32)
    chosen = prune.select_rows(
        method="stratified",
        k=100_000,
        scores=many,
        labels=np.arange(200_000) % 2,
        quota="proportional",
        hard="high",
    )
    assert chosen.facts["cutoff"] == 0.1 or chosen.facts["cutoff"]["mean"] == pytest.approx(0.1)
