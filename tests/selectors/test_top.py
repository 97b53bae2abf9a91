"""Top and bottom by hand: order, ties, gains."""

from __future__ import annotations

import numpy as np

from prune.selectors.top import bottom, top

SCORES = np.array([2, 5, 1, 5, 2, -3], np.float32)


def test_top_takes_the_highest_first_ties_by_lower_row() -> None:
    taken = top(SCORES, k=4)
    assert taken.rows.tolist() == [1, 3, 0, 4]
    assert taken.gains.tolist() == [5, 5, 2, 2]


def test_bottom_takes_the_lowest_first_ties_by_lower_row() -> None:
    taken = bottom(SCORES, k=4)
    assert taken.rows.tolist() == [5, 2, 0, 4]
    assert taken.gains.tolist() == [-3, 1, 2, 2]


def test_infinite_scores_have_their_place() -> None:
    scores = np.array([0, np.inf, -np.inf], np.float32)
    assert top(scores, k=3).rows.tolist() == [1, 0, 2]
    assert bottom(scores, k=3).rows.tolist() == [2, 0, 1]
