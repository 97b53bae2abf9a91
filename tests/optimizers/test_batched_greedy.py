"""Guessing ahead changes nothing: the rows and gains of the plain loop, whatever way others are checked."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index.space import EmbeddingSpace
from prune.optimizers import batched_greedy as ahead
from prune.optimizers.batched_greedy import follow
from prune.optimizers.engines import naive
from prune.optimizers.int8_screening import Codes
from prune.optimizers.pair_sums import ProductSums, TableSums

NONE = np.empty(0, np.int64)


def _clusters(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, d))[rng.integers(0, 12, n)] + 0.3 * rng.standard_normal((n, d))
    x[n // 2 : n // 2 + n // 10] = x[: n // 10]
    return x.astype(np.float32)


def _function(kind: str, seed: int) -> ProductSums:
    space = EmbeddingSpace(_clusters(3000, 16, seed), metric="cosine", memory=2**28)
    n = space.n
    if kind == "falling, far apart":  # as graph cut: bounds decide
        return ProductSums(space, n + space.dot(space.sum()), np.full(n, -1.0), -1.0)
    if kind == "falling, alike":  # as sum redundancy: products decide
        return ProductSums(space, np.full(n, -1.0), np.full(n, -1.0), -1.0)
    return ProductSums(space, np.zeros(n), np.ones(n), -1.0)


@pytest.mark.parametrize("kind", ["falling, far apart", "falling, alike", "rising"])
@pytest.mark.parametrize("seed", [0, 1])
def test_is_the_plain_loop(kind: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "CANDIDATES", (64, 256))
    monkeypatch.setattr(ahead, "FRESH", 100)
    rows, gains = follow(_function(kind, seed), 400, np.array([5, 6]))
    function = _function(kind, seed)
    expected, theirs = naive(function, 400, np.delete(np.arange(3000), [5, 6]))
    np.testing.assert_allclose(gains, theirs, rtol=1e-9, atol=1e-9)
    ties = np.flatnonzero(rows != expected)
    assert len(ties) == 0 or np.abs(gains[ties] - theirs[ties]).max() < 1e-9


def test_pairs_that_are_no_products_are_followed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "CANDIDATES", (32, 64))
    x = _clusters(800, 8, 2).astype(np.float64)
    table = np.linalg.norm(x[:, None] - x, axis=-1).astype(np.float32)
    start = np.random.default_rng(0).random(800)

    def function() -> TableSums:
        return TableSums(
            lambda one, two: table[one][:, two], start, np.zeros(800), 1.0, scale=10.0, memory=2**28
        )

    rows, gains = follow(function(), 200, NONE)
    expected, theirs = naive(function(), 200, np.arange(800))
    assert rows.tolist() == expected.tolist()
    np.testing.assert_allclose(gains, theirs, rtol=1e-9)


def test_samples_that_are_all_the_same_go_by_row() -> None:
    space = EmbeddingSpace(np.ones((700, 4), np.float16), memory=2**26)
    function = ProductSums(space, np.zeros(700), np.ones(700), -1.0)
    assert follow(function, 50, NONE)[0].tolist() == list(range(50))


def test_bytes_miss_no_sample() -> None:
    n = 3000
    x = _clusters(n, 40, 3) * np.random.default_rng(1).lognormal(0, 2, (n, 1)).astype(np.float32)
    x[9] = 0
    space = EmbeddingSpace(x, memory=2**28)

    def function() -> ProductSums:
        along = space.dot(space.sum() / n)
        return ProductSums(space, 2 * along - space.squared_norms(), 2 * along, -2.0, centred=True)

    rows, gains = Codes(function(), np.ones(n, np.bool_)).take(300)
    expected, theirs = naive(function(), 300, np.arange(n))
    assert rows.tolist() == expected.tolist()
    assert gains.tolist() == theirs.tolist()


def test_guesses_that_fail_end_in_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "POOR", (1000, 1000))
    monkeypatch.setattr(ahead, "PATIENCE", 1)
    expected, theirs = naive(_function("rising", 4), 60, np.arange(3000))
    for fit in (True, False):
        monkeypatch.setattr(ahead, "codes_fit", lambda _, fit=fit: fit)
        rows, gains = follow(_function("rising", 4), 60, NONE)
        assert rows.tolist() == expected.tolist()
        np.testing.assert_allclose(gains, theirs, atol=1e-9)
