"""The similarity graph is symmetric, holds every sample itself, and has the similarities of the pairs."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from prune.index import graph
from prune.index.gradients import GradientSpace
from prune.index.graph import similarity_graph
from prune.index.kept_neighbours import Neighbours
from prune.index.neighbours import nearest
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace, Space


def _embeddings(n: int) -> EmbeddingSpace:
    return EmbeddingSpace(np.random.default_rng(0).integers(-2, 3, (n, 4)).astype(np.float16))


def _gradients(n: int) -> GradientSpace:
    rng = np.random.default_rng(1)
    return GradientSpace(*(rng.standard_normal((n, d)).astype(np.float32) for d in (3, 6)))


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
@pytest.mark.parametrize("space", [_embeddings(300), _gradients(300)])
def test_edges_are_the_union_of_the_neighbours_of_both(space: Space, kind: str) -> None:
    similarity = Similarity(space, kind)
    graph = similarity_graph(similarity, 6)
    everything = slice(0, 300)
    dense = similarity.block(everything, everything)
    expected = np.eye(300, dtype=bool)
    expected[np.arange(300)[:, None], nearest(similarity.space, 6).rows] = True
    expected |= expected.T
    assert (graph.starts.dtype, graph.rows.dtype, graph.values.dtype) == (np.int64, np.int32, np.float32)
    for i in range(300):
        span = slice(graph.starts[i], graph.starts[i + 1])
        rows, values = graph.rows[span], graph.values[span]
        assert np.array_equal(np.sort(rows), np.flatnonzero(expected[i]))
        assert np.allclose(values, dense[i, rows], atol=2e-5)
        assert values[rows == i] == 1
        assert np.array_equal(np.lexsort((rows, -values)), np.arange(len(rows)))
    assert (graph.kind, graph.recall, len(graph.rows)) == ("exact", 1.0, graph.starts[-1])


def test_values_are_the_same_bits_both_ways() -> None:
    graph = similarity_graph(Similarity(_gradients(400), "rbf"), 9, kind="ivf")
    one = np.repeat(np.arange(400), np.diff(graph.starts))
    there, back = np.lexsort((graph.rows, one)), np.lexsort((one, graph.rows))
    assert np.array_equal(one[there], graph.rows[back])
    assert np.array_equal(graph.values[there], graph.values[back])


def test_a_single_sample_has_itself() -> None:
    graph = similarity_graph(Similarity(_embeddings(1)), 5)
    assert (graph.starts.tolist(), graph.rows.tolist(), graph.values.tolist()) == ([0, 1], [0], [1.0])


def test_what_a_graph_is_made_of_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    n, count = 20_000, 20
    rows = np.random.default_rng(0).integers(0, n - 1, (n, count))
    rows += rows >= np.arange(n)[:, None]
    squares = np.full((n, count), 0.5, np.float32)
    monkeypatch.setattr(
        graph, "nearest", lambda *_, **__: Neighbours(rows.copy(), squares.copy(), "ivf", 1.0)
    )
    similarity = Similarity(EmbeddingSpace(np.ones((n, 1), np.float32)))
    similarity_graph(similarity, count)  # compiles
    tracemalloc.start()
    similarity_graph(similarity, count)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 36 * n * count  # 16 bytes of an edge, of which there are two for each neighbour
