from __future__ import annotations

import numpy as np
import pytest

from prune.index.distances import Distances
from prune.index.gradients import GradientSpace
from prune.index.graph import similarity_graph
from prune.index.similarity import Similarity
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
    assert np.allclose(whole, _by_hand(kind), atol=1e-6)
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
    squares = Distances(similarity.space).squares(directed, directed)
    assert np.allclose(
        similarity.of_squared_distances(squares), similarity.block(directed, directed), atol=1e-6
    )


def test_distances_of_gradients_are_those_of_the_formed_gradients() -> None:
    e, h = RNG.standard_normal((30, 3)).astype(np.float32), RNG.standard_normal((30, 4)).astype(np.float32)
    formed = np.einsum("nc,nd->ncd", e, np.c_[h, np.ones(30)]).reshape(30, -1)
    expected = ((formed[:5, None] - formed[None]) ** 2).sum(-1)
    assert np.allclose(Distances(GradientSpace(e, h)).squares(slice(0, 5), slice(0, 30)), expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
def test_samples_that_are_all_one_are_all_alike(kind: str) -> None:
    similarity = Similarity(EmbeddingSpace(np.ones((4, 2), np.float32)), kind)
    assert np.allclose(similarity.block(slice(0, 4), slice(0, 4)), 1)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="similarity 'dot' is not one of cosine, euclidean, rbf"):
        Similarity(EmbeddingSpace(X), "dot")


@pytest.mark.parametrize("kind", ["euclidean", "rbf"])
@pytest.mark.parametrize("offset", [100, 1000])
def test_similarities_do_not_depend_on_where_the_samples_lie(kind: str, offset: int) -> None:
    whole = slice(0, 200)
    x = np.round(np.random.default_rng(0).standard_normal((200, 64)) * 512).astype(np.float32) / 512
    near, far = (Similarity(EmbeddingSpace(x + np.float32(shift)), kind) for shift in (0, offset))
    assert np.allclose(near.block(whole, whole), far.block(whole, whole), rtol=0, atol=1e-6)
    graph = similarity_graph(far, 199)
    assert np.allclose(far.totals(), np.add.reduceat(graph.values.astype(np.float64), graph.starts[:-1]))


def test_distances_of_near_gradients_far_from_the_origin_keep_their_digits() -> None:
    rng = np.random.default_rng(0)
    e = (1000 + np.round(rng.standard_normal((40, 3)) * 64) / 64).astype(np.float32)
    h = (10 + np.round(rng.standard_normal((40, 4)) * 64) / 64).astype(np.float32)
    formed = np.einsum("nc,nd->ncd", e.astype(np.float64), np.c_[h, np.ones(40)]).reshape(40, -1)
    expected = np.linalg.norm(formed[:, None] - formed[None], axis=2)
    assert np.allclose(Distances(GradientSpace(e, h)).block(slice(0, 40), slice(0, 40)), expected, rtol=1e-4)
