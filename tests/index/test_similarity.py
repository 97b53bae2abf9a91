from __future__ import annotations

import numpy as np
import pytest

from prune.index.gradients import GradientSpace
from prune.index.similarity import Similarity, squared_distances
from prune.index.space import EmbeddingSpace

RNG = np.random.default_rng(1)
X = RNG.standard_normal((50, 6)).astype(np.float32)
X[3] = 0
X[8] = X[2]
D2 = ((X[:, None].astype(np.float64) - X[None]) ** 2).sum(-1)


def _by_hand(kind: str) -> np.ndarray:
    if kind == "cosine":
        norms = np.linalg.norm(X, axis=1, keepdims=True)
        unit = X / np.where(norms == 0, 1, norms)
        similar = (1 + unit @ unit.T) / 2
    elif kind == "euclidean":
        similar = 1 - np.sqrt(D2) / (2 * np.linalg.norm(X - X.mean(0), axis=1).max())
    else:
        similar = np.exp(-D2 / (0.1 * D2.mean()))
    np.fill_diagonal(similar, 1)
    return similar


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
def test_similarities_are_those_of_the_formula(kind: str) -> None:
    similarity = Similarity(EmbeddingSpace(X), kind)
    whole = similarity.block(slice(0, 50), slice(0, 50))
    assert np.allclose(whole, _by_hand(kind), atol=2e-3)
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert (whole.diagonal() == 1).all()
    rows = np.array([8, 3, 41])
    assert np.allclose(similarity.block(rows, slice(2, 30)), whole[rows, 2:30], atol=1e-6)
    assert np.allclose(similarity.block(slice(40, 50), rows), whole[40:][:, rows], atol=1e-6)
    assert np.allclose(similarity.totals(), whole.sum(0, dtype=np.float64), atol=1e-3)


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
def test_known_distances_give_the_same_similarity(kind: str) -> None:
    similarity = Similarity(EmbeddingSpace(X), kind)
    directed = np.array([row for row in range(50) if row != 3])  # a zero vector has no direction
    squares = squared_distances(similarity.space, directed, directed)
    assert np.allclose(
        similarity.of_squared_distances(squares), similarity.block(directed, directed), atol=2e-3
    )


def test_distances_of_gradients_are_those_of_the_formed_gradients() -> None:
    e, h = RNG.standard_normal((30, 3)).astype(np.float32), RNG.standard_normal((30, 4)).astype(np.float32)
    formed = np.einsum("nc,nd->ncd", e, np.c_[h, np.ones(30)]).reshape(30, -1)
    expected = ((formed[:5, None] - formed[None]) ** 2).sum(-1)
    assert np.allclose(squared_distances(GradientSpace(e, h), slice(0, 5), slice(0, 30)), expected, atol=1e-3)


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
def test_samples_that_are_all_one_are_all_alike(kind: str) -> None:
    similarity = Similarity(EmbeddingSpace(np.ones((4, 2), np.float32)), kind)
    assert np.allclose(similarity.block(slice(0, 4), slice(0, 4)), 1)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="similarity 'dot' is not one of cosine, euclidean, rbf"):
        Similarity(EmbeddingSpace(X), "dot")
