"""Moderate by hand: distance to the median, from both sides, ties by lot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import prune
from prune.core.selection import Selection
from prune.selectors.moderate import moderate as moderate_of


def moderate(scores: np.ndarray, **options: Any) -> Selection:
    """Choose by names of our own."""
    return moderate_of(scores, [str(row) for row in range(len(scores))], seed=0, **options)


def test_nearest_to_the_median_first_from_both_sides() -> None:
    scores = np.array([0, 10, 4, 5, 7, 100], np.float32)  # median 6
    chosen = moderate(scores, k=4)
    assert sorted(chosen.rows[:2].tolist()) == [3, 4]  # away 1, 1, 2, 4
    assert chosen.rows[2:].tolist() == [2, 1]
    assert chosen.gains.tolist() == [-1, -1, -2, -4]
    assert chosen.facts == {"median": 6.0, "tied_at_cut": 0}
    assert moderate(scores, k=1).facts == {"median": 6.0, "tied_at_cut": 2}


def test_every_class_has_a_median_of_its_own() -> None:
    scores = np.array([0, 1, 2, 100, 110, 120], np.float32)
    chosen = prune.select_rows(scores=scores, labels=np.repeat([0, 1], 3), method="moderate", k=2)
    assert sorted(chosen.rows.tolist()) == [1, 4]


def test_neither_the_outlier_nor_the_most_typical_is_kept() -> None:
    scores = np.random.default_rng(0).chisquare(8, 500).astype(np.float32)
    kept = moderate(scores, k=100).rows
    assert scores.argmax() not in kept
    assert scores.argmin() not in kept


def test_wide_scores_have_finite_gains_and_infinite_ones_are_refused() -> None:
    assert np.isfinite(moderate(np.array([-3e38, 0, 3e38], np.float32), k=3).gains).all()
    with pytest.raises(ValueError, match=r"scores span \[0.0, inf\]"):
        moderate(np.array([0, np.inf], np.float32), k=1)
