"""Window by hand: the middle of a band of ranks, from the middle outwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.selectors.window import window as window_of


def window(scores: np.ndarray, **options: Any) -> Selection:
    """Choose by names of our own."""
    return window_of(scores, [str(row) for row in range(len(scores))], seed=0, **options)


SCORES = np.array([9, 0, 8, 1, 7, 2, 6, 3, 5, 4], np.float32)  # rows by rank: 1 3 5 7 9 8 6 4 2 0


def test_takes_the_middle_of_all_ranks() -> None:
    assert window(SCORES, k=4).gains.tolist() == [4, 5, 3, 6]
    assert window(SCORES, k=3).rows.tolist() == [9, 8, 7]


def test_band_is_cut_before_the_middle_is_taken() -> None:
    assert window(SCORES, k=3, lo=0.5).gains.tolist() == [7, 6, 8]
    assert window(SCORES, k=2, hi=0.2).gains.tolist() == [0, 1]
    assert sorted(window(SCORES, k=4, lo=0.3, hi=0.7).gains.tolist()) == [3, 4, 5, 6]


def test_edges_are_rounded_from_the_decimal_that_was_typed() -> None:
    scores = np.arange(100, dtype=np.float32)
    assert window(scores, k=29, hi=0.29).gains.max() == 28
    assert window(scores, k=1, lo=0.001, hi=0.01).gains.tolist() == [0]


def test_a_band_with_too_few_samples_is_refused() -> None:
    with pytest.raises(OptionError, match=r"from lo=0.5 to hi=0.7 has 2 samples, fewer than the 3 to keep"):
        window(SCORES, k=3, lo=0.5, hi=0.7)


@pytest.mark.parametrize(("lo", "hi"), [(0.5, 0.5), (0.7, 0.2), (-0.1, 1), (0, 1.1), (float("nan"), 1)])
def test_what_is_no_band_is_refused(lo: float, hi: float) -> None:
    with pytest.raises(OptionError, match="is not a band between 0 and 1"):
        window(SCORES, k=1, lo=lo, hi=hi)
