"""Scores of an embedding: by hand, against plain loops, and with toys that fix which end is which."""

import sys

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace
from prune.scorers.cal import cal
from prune.scorers.class_median import class_median
from prune.scorers.density import density
from prune.scorers.prototype import prototype

RNG = np.random.default_rng(0)
X = RNG.standard_normal((70, 6)).astype(np.float32)
PROBS = RNG.dirichlet(np.full(5, 0.3), 70).astype(np.float16)


def space(rows):
    return EmbeddingSpace(np.array(rows, np.float32))


def distances(x):
    return np.sqrt(np.square(x[:, None].astype(float) - x[None].astype(float)).sum(-1))


def nearest(x, k):
    far = distances(x)
    np.fill_diagonal(far, np.inf)
    return np.argsort(far, axis=1, kind="stable")[:, :k]


# -- prototype ---------------------------------------------------------------------------------------------


def test_prototype_by_hand():
    pairs = space([[0, 0], [0, 2], [10, 0], [10, 4]])
    found = prototype(pairs, classes=2, seed=0, metric="euclidean")
    np.testing.assert_allclose(found, [1, 1, 2, 2], rtol=1e-6)


def test_one_prototype_is_the_mean():
    expected = np.linalg.norm(X - X.mean(0), axis=1)
    np.testing.assert_allclose(
        prototype(EmbeddingSpace(X), classes=9, clusters=1, seed=0, metric="euclidean"), expected, rtol=1e-5
    )


def test_without_labels_there_are_as_many_prototypes_as_the_root_of_n():
    np.testing.assert_array_equal(
        prototype(EmbeddingSpace(X), classes=0, seed=0),
        prototype(EmbeddingSpace(X), classes=5, clusters=8, seed=0),
    )


def test_an_outlier_is_the_least_typical():
    ring = [[np.cos(a), np.sin(a)] for a in np.linspace(0, 0.3, 20)]
    found = prototype(space([*ring, [-1, -1]]), classes=1, seed=0)
    assert found.argmax() == 20
    assert found[:20].max() < 0.5 < found[20]


def test_more_classes_than_samples_leave_every_sample_at_its_own_prototype():
    assert prototype(space([[1, 0], [0, 1]]), classes=10_000, seed=0).tolist() == [0, 0]


def test_prototype_needs_a_cluster():
    with pytest.raises(OptionError, match="clusters=0 is not at least 1"):
        prototype(EmbeddingSpace(X), classes=2, clusters=0, seed=0)


# -- class_median ------------------------------------------------------------------------------------------


def test_class_median_by_hand():
    samples = space([[0, 0], [1, 0], [8, 0], [5, 5]])
    assert class_median(samples, np.array([7, 7, 7, 2])).tolist() == [1, 0, 7, 0]


def test_class_median_equals_a_plain_loop():
    labels = RNG.integers(0, 4, len(X))
    expected = [np.linalg.norm(x - np.median(X[labels == y], axis=0)) for x, y in zip(X, labels, strict=True)]
    np.testing.assert_allclose(class_median(EmbeddingSpace(X), labels), expected, rtol=1e-6)


def test_a_wrong_label_is_far_from_the_middle_of_its_class():
    x = np.concatenate([RNG.normal(0, 1, (30, 4)), RNG.normal(9, 1, (30, 4))])
    labels = np.repeat([0, 1], 30)
    labels[3] = 1
    assert class_median(space(x), labels).argmax() == 3


def test_class_median_refuses_a_missing_label():
    with pytest.raises(ValueError, match="1 labels, but 2 samples"):
        class_median(space([[1], [2]]), np.array([0, -1]))


# -- density -----------------------------------------------------------------------------------------------


def test_density_equals_a_plain_loop():
    directions = X / np.linalg.norm(X, axis=1, keepdims=True)
    cosines = directions @ directions.T
    expected = np.take_along_axis(cosines, nearest(directions, 10), 1).mean(1)
    np.testing.assert_allclose(density(EmbeddingSpace(X), seed=0), expected, atol=1e-6)


def test_exact_duplicates_score_highest_and_the_loner_lowest():
    x = np.concatenate([RNG.normal(3, 1, (40, 4)), np.tile([[1.0, 2, 3, 4]], (3, 1)), [[-5.0, -5, -5, -5]]])
    found = density(space(x), seed=0, neighbours=2)
    assert found[40:43].tolist() == [1, 1, 1]
    assert found[:40].max() < 1
    assert found.argmin() == 43


def test_samples_without_direction_resemble_each_other_and_nobody_else():
    found = density(space([[0, 0], [0, 0], [1, 0], [0, 1]]), seed=0, neighbours=1)
    assert found.tolist() == [1, 1, 0, 0]


def test_more_neighbours_than_samples_are_all_of_them():
    x = space([[1, 0], [0, 1], [1, 1]])
    np.testing.assert_allclose(density(x, seed=0, neighbours=99), np.array([1, 1, 2]) / np.sqrt(8), atol=1e-6)


# -- cal ---------------------------------------------------------------------------------------------------


def test_cal_by_hand():
    p = np.array([[0.5, 0.5], [0.75, 0.25]], np.float32)
    to_first = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    to_second = 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25)
    np.testing.assert_allclose(cal(space([[0], [1]]), p, seed=0), [to_first, to_second], rtol=1e-5)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_cal_equals_a_plain_loop(metric):
    x = X / np.linalg.norm(X, axis=1, keepdims=True) if metric == "cosine" else X
    p = PROBS.astype(float) + 1e-7
    p /= p.sum(1, keepdims=True)
    expected = [
        np.mean([(p[j] * (np.log(p[j]) - np.log(p[i]))).sum() for j in near])
        for i, near in enumerate(nearest(x, 10))
    ]
    np.testing.assert_allclose(cal(EmbeddingSpace(X), PROBS, seed=0, metric=metric), expected, rtol=1e-5)


def test_who_is_predicted_otherwise_than_alike_samples_scores_highest():
    x = np.concatenate([RNG.normal(0, 0.1, (20, 3)), RNG.normal(5, 0.1, (20, 3))])
    p = np.repeat([[0.95, 0.05], [0.05, 0.95]], 20, axis=0)
    p[7] = [0.05, 0.95]
    found = cal(space(x), p, seed=0, neighbours=3)
    assert found.argmax() == 7
    assert (found[20:] == 0).all()


def test_a_prediction_without_doubt_gives_finite_numbers():
    p = np.array([[1, 0], [0, 1]], np.float16)
    np.testing.assert_allclose(cal(space([[0], [1]]), p, seed=0), np.log(1e7), rtol=1e-2)


def test_the_size_of_blocks_does_not_matter_to_cal(monkeypatch):
    whole = cal(EmbeddingSpace(X), PROBS, seed=0)
    monkeypatch.setattr(sys.modules[cal.__module__], "_NUMBERS", 1)
    np.testing.assert_array_equal(cal(EmbeddingSpace(X), PROBS, seed=0), whole)


def test_cal_refuses_predictions_of_other_samples():
    with pytest.raises(ValueError, match="3 predictions, but 70 samples"):
        cal(EmbeddingSpace(X), PROBS[:3], seed=0)


@pytest.mark.parametrize("score", [density, lambda x, **more: cal(x, PROBS, **more)])
def test_there_is_a_nearest_neighbour(score):
    with pytest.raises(OptionError, match="neighbours=0 is not at least 1"):
        score(EmbeddingSpace(X), seed=0, neighbours=0)
