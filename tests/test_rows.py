from __future__ import annotations

import numpy as np
import pytest

import prune
from prune.errors import OptionError

X = np.array([[0.0], [0.1], [5.0], [9.0], [9.1]])
Y = np.array([0, 0, 0, 1, 1])


def test_kcenter_takes_one_from_each_far_group() -> None:
    chosen = prune.select_rows(X, method="kcenter", k=3)
    assert chosen.rows.tolist() == [2, 0, 4]  # nearest to the mean, 4.64; then the farthest, twice
    assert chosen.weights.tolist() == [1, 1, 1]
    assert (np.diff(chosen.gains) <= 0).all()


def test_scores_and_quotas_need_no_embedding() -> None:
    chosen = prune.select_rows(scores=np.array([5, 4, 3, 2, 1]), labels=Y, method="top", k=2, quota="equal")
    assert sorted(chosen.rows.tolist()) == [0, 3]


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"X": X, "k": 6}, OptionError, "k must be from 1 to 5"),
        ({"X": X, "k": 2, "labels": Y[:3]}, ValueError, "arrays of one length"),
        ({"k": 2}, ValueError, "arrays of one length, not none"),
        ({"scores": Y, "k": 2}, ValueError, "kcenter needs space; X .or errors and features. was not given"),
        (
            {"X": X, "k": 2, "labels": np.array(list("aabbb")), "quota": "equal"},
            ValueError,
            "not whole numbers",
        ),
    ],
)
def test_arrays_that_do_not_fit(words: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        prune.select_rows(**words)
