"""k-center by hand, under both metrics, and with samples that are given."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index.space import EmbeddingSpace
from prune.selectors.kcenter import kcenter

CLUSTERS = np.array([[0, 0], [0, 1], [100, 0], [100, 1], [0, 100], [1, 100]], np.float32)


def test_takes_one_from_each_far_cluster() -> None:
    taken = kcenter(EmbeddingSpace(CLUSTERS), k=3)
    assert {row // 2 for row in taken.rows.tolist()} == {0, 1, 2}


def test_first_is_nearest_to_the_mean_and_gains_are_distances() -> None:
    taken = kcenter(EmbeddingSpace(np.array([[0], [4], [6], [11]], np.float16)), k=4)
    assert taken.rows.tolist() == [2, 0, 3, 1]  # mean 5.25; then 6, 5 and 2 away
    assert taken.gains.tolist() == [6, 6, 5, 2]


def test_cosine_sees_directions_only() -> None:
    space = EmbeddingSpace(np.array([[1, 0], [50, 1], [0, 1], [0, 0.1]], np.float32))
    assert kcenter(space, k=2, metric="cosine").gains[1] > 1
    far = kcenter(space, k=2, metric="cosine", given=np.array([0])).rows
    assert far[0] == 2
    assert kcenter(space, k=2, metric="euclidean", given=np.array([0])).rows[0] == 1


def test_given_samples_push_the_choice_away() -> None:
    taken = kcenter(EmbeddingSpace(CLUSTERS), k=2, given=np.array([0, 3, 3]))
    assert taken.rows.tolist() == [5, 1]
    assert kcenter(EmbeddingSpace(CLUSTERS), k=2, given=np.array([], np.int64)).rows.tolist() == (
        kcenter(EmbeddingSpace(CLUSTERS), k=2).rows.tolist()
    )


def test_given_samples_that_do_not_exist_or_leave_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match=r"given positions span \[1, 6\], but there are 6 samples"):
        kcenter(EmbeddingSpace(CLUSTERS), k=1, given=np.array([6, 1]))
    with pytest.raises(ValueError, match="cannot keep 5 of 4 samples"):
        kcenter(EmbeddingSpace(CLUSTERS), k=5, given=np.array([0, 1]))
