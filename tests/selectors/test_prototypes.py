"""Prototypes: the ends of one ranking by the distance to the centroid."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace
from prune.selectors.prototypes import plan_of_prototypes, prototypes


def test_by_hand() -> None:
    points = np.array([[0], [2], [7], [100], [101], [105]], np.float32)  # means 3 and 102
    near = prototypes(EmbeddingSpace(points), k=6, seed=0, clusters=2, metric="euclidean")
    assert near.rows.tolist() == [1, 4, 3, 0, 5, 2]  # 2 is 1 away, 101 is 1 away, …
    assert near.gains.tolist() == [1, 1, 2, 3, 3, 4]
    far = prototypes(EmbeddingSpace(points), k=6, seed=0, clusters=2, metric="euclidean", keep="far")
    assert far.rows.tolist() == [2, 0, 5, 3, 1, 4]
    assert far.facts["clusters"] == 2
    assert set(far.facts["cluster_of"]["of"]) == {0, 1}


def test_distances_are_recomputed_from_the_members_of_each_cluster() -> None:
    rng = np.random.default_rng(0)
    centres = 20 * np.eye(5, dtype=np.float32)
    which = rng.integers(0, 5, 300)
    points = centres[which] + rng.standard_normal((300, 5)).astype(np.float32)
    taken = prototypes(EmbeddingSpace(points), k=300, seed=1, clusters=5, metric="cosine")
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    means = np.stack([directions[which == c].mean(0) for c in range(5)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    expected = np.linalg.norm(directions - means[which], axis=1)
    assert np.allclose(taken.gains, expected[taken.rows], atol=1e-5)
    assert np.array_equal(taken.rows, np.argsort(expected, kind="stable"))


def test_given_samples_are_not_returned() -> None:
    space = EmbeddingSpace(np.random.default_rng(3).standard_normal((50, 4)).astype(np.float32))
    whole = prototypes(space, k=50, seed=0).rows
    rest = prototypes(space, k=47, seed=0, given=whole[[0, 5, 9]]).rows
    assert rest.tolist() == np.delete(whole, [0, 5, 9]).tolist()


def test_what_makes_no_sense_is_refused() -> None:
    space = EmbeddingSpace(np.eye(3, dtype=np.float32))
    with pytest.raises(OptionError, match="clusters=0 is not at least 1"):
        prototypes(space, k=1, seed=0, clusters=0)
    with pytest.raises(ValueError, match=r"given positions span \[3, 3\], but there are 3 samples"):
        prototypes(space, k=1, seed=0, given=np.array([3]))
    with pytest.raises(ValueError, match="cannot keep 4 of 3 samples"):
        prototypes(space, k=4, seed=0)


def test_its_plan_says_how_many_clusters() -> None:
    sizes = Size(10_000, 64, 2**30), Size(10_000, 64, 2**30, gradients=True)
    vectors, gradients = (plan_of_prototypes(size, 1, {"clusters": None}) for size in sizes)
    assert vectors.why == "k-means of 10,000 samples in 100 clusters"
    assert gradients.bytes - vectors.bytes > 10_000 * 512 * 4
    assert gradients.work == 8 * vectors.work  # 512 numbers of a sketch against 64
