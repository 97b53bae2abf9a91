"""Stratified by hand: bins, budgets from the smallest bin, random inside."""

from __future__ import annotations

import numpy as np
import pytest

from prune.errors import OptionError
from prune.selectors.stratified import stratified


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


def test_no_bins_and_infinite_scores_are_refused() -> None:
    with pytest.raises(OptionError, match="bins=0 is not at least 1"):
        stratified(np.ones(3, np.float32), k=1, seed=0, bins=0)
    with pytest.raises(ValueError, match=r"scores span \[0.0, inf\]"):
        stratified(np.array([0, np.inf], np.float32), k=1, seed=0)
