"""Top and bottom by hand: order, ties, gains."""

from __future__ import annotations

from typing import Any

import numpy as np

from prune.core.lots import lots
from prune.core.selection import Selection
from prune.selectors.top import bottom as bottom_of
from prune.selectors.top import top as top_of


def bottom(scores: np.ndarray, **options: Any) -> Selection:
    """Choose by names of our own."""
    return bottom_of(scores, [str(row) for row in range(len(scores))], seed=0, **options)


def top(scores: np.ndarray, **options: Any) -> Selection:
    """Choose by names of our own."""
    return top_of(scores, [str(row) for row in range(len(scores))], seed=0, **options)


SCORES = np.array([2, 5, 1, 5, 2, -3], np.float32)
LOT = lots([str(row) for row in range(6)], "0")


def test_top_takes_the_highest_first_ties_by_lot() -> None:
    taken = top(SCORES, k=4)
    assert taken.rows.tolist() == [*sorted([1, 3], key=LOT.__getitem__), *sorted([0, 4], key=LOT.__getitem__)]
    assert taken.facts == {"tied_at_cut": 0}
    assert top(SCORES, k=3).facts == top(SCORES, k=1).facts == {"tied_at_cut": 2}
    assert taken.gains.tolist() == [5, 5, 2, 2]


def test_bottom_takes_the_lowest_first_ties_by_lot() -> None:
    taken = bottom(SCORES, k=4)
    assert taken.rows.tolist() == [5, 2, *sorted([0, 4], key=LOT.__getitem__)]
    assert taken.gains.tolist() == [-3, 1, 2, 2]


def test_infinite_scores_have_their_place() -> None:
    scores = np.array([0, np.inf, -np.inf], np.float32)
    assert top(scores, k=3).rows.tolist() == [1, 0, 2]
    assert bottom(scores, k=3).rows.tolist() == [2, 0, 1]
