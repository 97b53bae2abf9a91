"""Facility location against a plain loop, against the best of all subsets, and on every representation."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.graph import Graph
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace
from prune.optimizers import facility_kernels as kernels
from prune.optimizers.engines import maximise
from prune.optimizers.facility import locate
from prune.optimizers.facility_dense import DenseFacility
from prune.optimizers.facility_links import Links, turned
from prune.optimizers.facility_plan import Ways
from prune.optimizers.facility_sparse import SparseFacility, facility_of_graph

NONE = np.empty(0, np.int64)
UNIT = 2.0**-27


def _points(n: int, d: int = 5, seed: int = 0) -> EmbeddingSpace:
    return EmbeddingSpace(np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32))


def _whole(similarity: Similarity) -> np.ndarray:
    everything = slice(0, similarity.n)
    return _on_the_grid(similarity.wide(everything, everything))


def _on_the_grid(values: np.ndarray) -> np.ndarray:
    values = np.floor(values / UNIT + 0.5)
    lower = np.tri(len(values), dtype=bool)
    return np.where(lower, values, values.T) * UNIT


def _graph(values: np.ndarray, count: int) -> Graph:
    """Join everybody with the `count` most similar, itself among them, in both directions."""
    n = len(values)
    near = np.argsort(-values, axis=1, kind="stable")[:, :count]
    joined = np.zeros((n, n), bool)
    joined[np.arange(n)[:, None], near] = True
    joined |= joined.T | np.eye(n, dtype=bool)
    order = np.lexsort((np.tile(np.arange(n), (n, 1)), np.where(joined, -values, 1)))
    sizes = joined.sum(1)
    rows = np.concatenate([row[:size] for row, size in zip(order, sizes, strict=True)]).astype(np.int32)
    own = np.repeat(np.arange(n), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return Graph(starts, rows, values[own, rows].astype(np.float32), 1.0, "exact")


def _loop(values: np.ndarray, k: int, given: np.ndarray = NONE) -> tuple[list[int], list[float]]:
    chosen, rows, gains = given.tolist(), [], []
    for _ in range(k):
        now = values[:, chosen].max(1).sum() if chosen else 0.0
        added = [
            -1.0 if j in chosen else values[:, [*chosen, j]].max(1).sum() - now for j in range(len(values))
        ]
        best = int(np.argmax(added))
        chosen.append(best)
        rows.append(best)
        gains.append(added[best])
    return rows, gains


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
@pytest.mark.parametrize("given", [NONE, np.array([4, 17, 40])])
def test_dense_sparse_and_every_exact_engine_are_the_plain_loop(kind: Any, given: np.ndarray) -> None:
    similarity = Similarity(_points(60), kind)
    values = _whole(similarity)
    k = 60 - len(given)
    graph = _graph(values, 60)
    linked = _on_the_grid(values.astype(np.float32).astype(np.float64))  # as a graph holds them
    for make, known in (
        (lambda: DenseFacility(similarity, given), values),
        (lambda: facility_of_graph(graph, given), linked),
    ):
        rows, gains = _loop(known, k, given)
        found = [make().climb(k)]
        found += [maximise(make(), k, greedy=greedy, taken=given) for greedy in ("naive", "lazy")]
        for taken, added in found:
            assert taken.tolist() == rows
            assert added.tolist() == gains  # sums of multiples of 2⁻²⁷ are exact


def test_a_graph_of_few_neighbours_is_the_loop_over_its_own_values() -> None:
    values = _whole(Similarity(_points(70, seed=1)))
    graph = _graph(values, 6)
    linked = np.zeros_like(values)
    linked[np.repeat(np.arange(70), np.diff(graph.starts)), graph.rows] = graph.values
    function = facility_of_graph(graph)
    taken, added = function.climb(50)
    rows, gains = _loop(linked, 50)
    assert taken.tolist() == rows
    assert added.tolist() == gains
    assert function.value() == pytest.approx(sum(gains), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_greedy_has_its_part_of_the_best_of_all_subsets(seed: int) -> None:
    similarity = Similarity(_points(12, 2, seed), "euclidean")
    values = _whole(similarity)
    for k in (1, 2, 3, 4):
        best = max(values[:, list(chosen)].max(1).sum() for chosen in combinations(range(12), k))
        value = locate(similarity, k, Ways(), NONE).gains.sum()
        assert (1 - 1 / np.e) * best <= value <= best + 1e-9
        assert k > 1 or value == pytest.approx(best)


def test_the_number_of_threads_changes_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    similarity = Similarity(_points(1600, 8))
    taken = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        taken.append(DenseFacility(similarity).climb(300))
    assert np.array_equal(taken[0][0], taken[1][0])
    assert np.array_equal(taken[0][1], taken[1][1])
    assert kernels.SHARED < 1600**2  # so that the first update was shared


def test_sums_that_leave_32_bits_are_moved_on_in_time() -> None:
    similarity = Similarity(EmbeddingSpace(np.tile(np.float32([[1, 0], [-1, 0]]), (60, 1))))
    rows, gains = DenseFacility(similarity).climb(4)  # 60 rises of 2²⁷ each at the first pick
    assert rows.tolist() == [0, 1, 2, 3]
    assert gains.tolist() == [60, 60, 0, 0]


def test_candidates_may_be_fewer_than_the_samples_they_serve() -> None:
    values = np.random.default_rng(3).random((20, 7)).astype(np.float32)
    order = np.argsort(-values, axis=1, kind="stable")
    samples = Links(
        np.arange(0, 141, 7), order.ravel().astype(np.int32), np.take_along_axis(values, order, 1).ravel()
    )
    back = Links(np.arange(0, 141, 20), np.empty(140, np.int32), np.empty(140, np.float32))
    turned(samples, back)
    assert np.array_equal(back.values.reshape(7, 20), values.T)
    taken, added = SparseFacility(samples, back).climb(7)
    rounded = np.floor(values.astype(np.float64) / UNIT + 0.5) * UNIT
    chosen: list[int] = []
    for row, gain in zip(taken, added, strict=True):
        before = rounded[:, chosen].max(1).sum() if chosen else 0.0
        chosen.append(row)
        assert gain == pytest.approx(rounded[:, chosen].max(1).sum() - before, abs=1e-12)


def test_a_graph_of_64_neighbours_and_every_engine_are_close_to_exact() -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 24))
    points = centres[rng.integers(0, 40, 1500)] + 0.35 * rng.standard_normal((1500, 24))
    similarity = Similarity(EmbeddingSpace(points.astype(np.float32)))
    k = 150
    values = _whole(similarity)
    exact = locate(similarity, k, Ways(), NONE)
    best = exact.gains.sum()
    random = max(values[:, rng.choice(1500, k, replace=False)].max(1).sum() for _ in range(20))

    def part(**options: Any) -> float:
        """Of what lies between the best of 20 random sets and lazy greedy."""
        rows = locate(similarity, k, Ways(**options), NONE).rows
        return (values[:, rows].max(1).sum() - random) / (best - random)

    near = facility_of_graph(_graph(values, 65)).climb(k)[0]
    assert values[:, near].max(1).sum() >= 0.9999 * best
    assert part(mode="sparse") > 0.99
    assert part(greedy="stochastic") > 0.6
    assert part(greedy="stochastic", epsilon=0.01) > part(greedy="stochastic", epsilon=0.5)
    assert part(mode="partitioned") > 0.95
    assert part(mode="partitioned", parts=6) > 0.85
    assert exact.facts["objective"] == pytest.approx(best, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": 0}, "neighbours=0 is not at least 1"),
        ({"parts": 0, "mode": "partitioned"}, "parts=0 is not at least 1"),
        ({"parts": 3}, "parts=3 says nothing unless the search is partitioned"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Ways(**options)
