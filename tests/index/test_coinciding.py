from __future__ import annotations

import numpy as np
import pytest

from prune.index.coinciding import coinciding, equal_rows, with_equal
from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace, Metric


def groups_by_hand(values: np.ndarray) -> list[int]:
    return [min(j for j, other in enumerate(values) if (other == row).all()) for row in values]


@pytest.mark.parametrize("d", [1, 5, 48, 513])  # whole rows and such as buffers cut through
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_equal_samples_are_one_group(d: int, dtype: type, metric: Metric) -> None:
    rng = np.random.default_rng(d)
    values = rng.normal(size=(60, d)).astype(dtype)[rng.integers(0, 60, 300)]
    values[::7] = 0
    values[::14] *= -1  # 0 and -0
    expected = groups_by_hand(values if metric == "euclidean" or d > 1 else np.sign(values))
    found = coinciding(EmbeddingSpace(values, metric=metric))
    assert found.tolist() == expected


def test_the_same_norm_is_not_the_same_sample() -> None:
    corners = np.concatenate([np.eye(8), -np.eye(8)]).astype(np.float32)
    assert coinciding(EmbeddingSpace(corners)).tolist() == list(range(16))


def test_under_cosine_samples_of_one_direction_coincide() -> None:
    rng = np.random.default_rng(0)
    greys = np.outer(rng.uniform(0.1, 5, 40).astype(np.float32), np.ones(48, np.float32))
    others = rng.normal(size=(20, 48)).astype(np.float32)
    values = np.concatenate([greys, others, 4 * others, -others, np.zeros((3, 48), np.float32)])
    expected = [*[0] * 40, *range(40, 60), *range(40, 60), *range(80, 100), *[100] * 3]
    assert coinciding(EmbeddingSpace(values), "cosine").tolist() == expected
    assert len(np.unique(coinciding(EmbeddingSpace(values)))) == 40 + 60 + 1


def test_coinciding_with_equal_scores() -> None:
    groups, scores = np.array([0, 0, 0, 3, 3, 5]), np.array([1, 2, 1, 1, 1, 2], np.float32)
    found = with_equal(groups, scores)
    assert [int(np.flatnonzero(found == g)[0]) for g in found] == [0, 1, 0, 3, 3, 5]


def test_rows_of_a_space_are_numbered_from_its_first() -> None:
    values = np.array([[1], [2], [3], [2], [1]], np.float32)
    assert coinciding(EmbeddingSpace(values, rows=np.array([3, 4, 1, 2]))).tolist() == [0, 1, 0, 3]


def test_gradients_of_norm_zero_coincide_whatever_the_features_are() -> None:
    rng = np.random.default_rng(0)
    errors, features = rng.normal(size=(2, 6, 4)).astype(np.float32)
    errors[[1, 4]] = 0
    errors[5], features[5] = errors[2], features[2]
    errors[3] = errors[0]  # but other features
    assert coinciding(GradientSpace(errors, features)).tolist() == [0, 1, 2, 3, 1, 2]


def test_rows_of_a_matrix() -> None:
    values = np.array([[0.5, 0.5], [1, 0], [0.5, 0.5], [0, 1], [1, -0.0]], np.float16)
    assert equal_rows(values).tolist() == [0, 1, 0, 3, 1]
    assert equal_rows(values[:0]).tolist() == []
