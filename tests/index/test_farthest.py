"""Farthest-first takes the same rows as the loop that everyone can read, and never asks for n × k numbers."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from prune.index import farthest_cpu
from prune.index.farthest import farthest_first
from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace


def by_loop(rows: np.ndarray, k: int, given: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Take the farthest, in float64, one at a time."""
    rows = rows.astype(np.float64)
    nearest, taken, gains = np.full(len(rows), np.inf), [], []

    def add(centre: int) -> None:
        gap = ((rows - rows[centre]) ** 2).sum(1)
        nearest[:] = np.where(nearest < 0, -1, np.minimum(nearest, gap))
        nearest[centre] = -1

    for centre in [] if given is None else given:
        add(centre)
    if given is None:
        taken = [int(((rows - rows.mean(0)) ** 2).sum(1).argmin())]
        add(taken[0])
        gains = [max(nearest.max(), 0)]
    while len(taken) < k:
        taken.append(int(nearest.argmax()))
        gains.append(nearest[taken[-1]])
        add(taken[-1])
    return np.array(taken), np.sqrt(gains)


def _normal(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_normal((n, d))


def _clusters(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 10 * rng.standard_normal((7, d))[rng.integers(0, 7, n)] + 0.1 * rng.standard_normal((n, d))


def _lattice(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.integers(0, 3, (n, d))


def _duplicates(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return rng.standard_normal((n // 4 + 1, d))[rng.integers(0, n // 4 + 1, n)]


def _far_off(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 1000 + rng.standard_normal((n, d))


def _curve(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return np.sin(rng.uniform(0, 6, (n, 1)) * np.arange(1, d + 1) / d)


def _tiny(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 1e-20 * rng.standard_normal((n, d))


def _huge(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    return 1e37 * rng.standard_normal((n, d))


SHAPES = [_normal, _clusters, _lattice, _duplicates, _far_off, _curve, _tiny, _huge]


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # the second runs the code for CUDA devices
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("n", "d", "k"), [(600, 3, 600), (900, 40, 400), (1, 5, 1), (2, 1, 2), (300, 130, 299)]
)
def test_takes_the_rows_of_the_loop_in_its_order(shape, n: int, d: int, k: int, device: str) -> None:
    rows = shape(np.random.default_rng(n + d), n, d).astype(np.float32)
    taken, gains = farthest_first(EmbeddingSpace(rows, device=device), k)
    expected, distances = by_loop(rows, k)
    assert np.array_equal(taken, expected)
    assert np.allclose(gains, distances, rtol=1e-12, atol=0)
    assert (np.diff(gains) <= 0).all()


@pytest.mark.parametrize("worth", [0.0, 2.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_both_bounds_give_the_rows_of_the_loop(shape, worth: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farthest_cpu, "WORTH", worth)
    monkeypatch.setattr(farthest_cpu, "FEW", 1)
    rows = shape(np.random.default_rng(1), 5000, 8).astype(np.float32)
    assert np.array_equal(farthest_first(EmbeddingSpace(rows), 700)[0], by_loop(rows, 700)[0])


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_given_samples_are_centres_and_are_not_taken(metric: str, device: str) -> None:
    rng = np.random.default_rng(5)
    space = EmbeddingSpace(_normal(rng, 900, 20).astype(np.float16), metric=metric, device=device)
    given = rng.choice(900, 300, replace=False)
    taken, gains = farthest_first(space, 600, given)
    expected, distances = by_loop(space.block(0, 900), 600, given)
    assert np.array_equal(taken, expected)
    assert np.allclose(gains, distances)
    assert not np.isin(taken, given).any()


def test_what_coincides_with_a_centre_is_taken_last_by_row() -> None:
    rows = np.array([[5], [0], [5], [0], [9], [9]], np.float32)
    taken, gains = farthest_first(EmbeddingSpace(rows), 6)
    assert taken.tolist() == [0, 1, 4, 2, 3, 5]  # mean 4⅔; 5 and 4 away; then nothing is new
    assert gains.tolist() == [5, 5, 4, 0, 0, 0]


def test_smaller_budgets_are_prefixes() -> None:
    space = EmbeddingSpace(_duplicates(np.random.default_rng(2), 2000, 6).astype(np.float32))
    rows, gains = farthest_first(space, 2000)
    for k in (1, 2, 255, 256, 257, 900):
        fewer, smaller = farthest_first(space, k)
        assert np.array_equal(fewer, rows[:k])
        assert np.array_equal(smaller, gains[:k])


def test_radius_is_at_most_twice_the_best() -> None:
    rows = np.random.default_rng(3).standard_normal((12, 2)).astype(np.float32)
    gap = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    best = min(gap[:, list(centres)].min(1).max() for centres in combinations(range(12), 4))
    assert gap[:, farthest_first(EmbeddingSpace(rows), 4)[0]].min(1).max() <= 2 * best


def test_memory_beside_the_embeddings_does_not_grow_with_k() -> None:
    rows = _normal(np.random.default_rng(0), 6000, 64).astype(np.float16)
    space = EmbeddingSpace(rows)
    farthest_first(space, 10)  # compiled, and BLAS has its buffers
    peaks = []
    for k in (600, 5000):
        tracemalloc.start()
        farthest_first(space, k)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert max(peaks) < 30e6  # 6000 × 5000 float32 numbers would be 120 MB
    assert peaks[1] < peaks[0] + 5e6


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("given", [None, np.array([3, 70, 9])])
def test_gradients_are_taken_as_by_the_loop_over_their_products(
    given: np.ndarray | None, metric: str
) -> None:
    rng = np.random.default_rng(6)
    errors = rng.standard_normal((900, 5)).astype(np.float16)
    space = GradientSpace(errors, _clusters(rng, 900, 11).astype(np.float16), metric=metric)
    e, h = (factor.astype(np.float64) for factor in space.factors(slice(0, 900)))
    products = (e[:, :, None] * np.c_[h, np.ones(900)][:, None]).reshape(900, -1)
    taken, gains = farthest_first(space, 700, given)
    expected, distances = by_loop(products, 700, given)
    assert np.array_equal(taken, expected)
    assert np.allclose(gains, distances, atol=1e-6 * distances.max())


def test_equal_gradients_are_at_distance_zero() -> None:
    errors, features = (
        np.array([[1, -1], [2, 0]], np.float32),
        np.array([[0.1, 0.7, 3], [1, 1, 1]], np.float32),
    )
    space = GradientSpace(errors[[0, 1, 0, 0]], features[[0, 1, 0, 0]])
    taken, gains = farthest_first(space, 4)
    assert taken.tolist() == [0, 1, 2, 3]
    assert gains[2:].tolist() == [0, 0]


@pytest.mark.gpu
@pytest.mark.parametrize("shape", SHAPES)
def test_cuda_takes_the_rows_of_the_host(shape) -> None:
    rows = shape(np.random.default_rng(4), 20_000, 64).astype(np.float32)
    on_host = farthest_first(EmbeddingSpace(rows), 2000)
    on_device = farthest_first(EmbeddingSpace(rows, device="cuda"), 2000)
    assert np.array_equal(on_host[0], on_device[0])
    assert np.array_equal(on_host[1], on_device[1])
