"""Disparity min by hand, and against the best of all subsets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from prune.index.space import EmbeddingSpace
from prune.selectors.disparity_min import disparity_min


def test_starts_at_the_rim_and_gains_are_the_value_after_each_step() -> None:
    taken = disparity_min(
        EmbeddingSpace(np.array([[0], [4], [6], [11]], np.float16)), k=4, metric="euclidean"
    )
    assert taken.rows.tolist() == [3, 0, 2, 1]  # mean 5.25; then 11, 5 and 2 away
    assert taken.gains.tolist() == [11, 11, 5, 2]


def test_has_half_of_the_best_value_possible() -> None:
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal((12, 2)).astype(np.float32)
        d = np.linalg.norm(x[:, None] - x, axis=-1)
        best = max(min(d[i, j] for i, j in combinations(some, 2)) for some in combinations(range(12), 4))
        taken = disparity_min(EmbeddingSpace(x), k=4, metric="euclidean")
        value = min(d[i, j] for i, j in combinations(taken.rows.tolist(), 2))
        assert value >= best / 2
        assert taken.gains[-1] == pytest.approx(value, rel=1e-6)


def test_given_samples_count_and_one_sample_is_enough() -> None:
    space = EmbeddingSpace(np.array([[0], [4], [6], [11]], np.float16))
    assert disparity_min(space, k=1, metric="euclidean", given=np.array([0])).rows.tolist() == [3]
    assert disparity_min(space, k=1, metric="euclidean").gains.tolist() == [11]
