"""The start of k-means draws what a loop over all float64 distances draws."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index import kmeans_start
from prune.index.kmeans_start import started
from prune.index.space import EmbeddingSpace

SHAPES = {
    "plain": lambda rng: rng.standard_normal((500, 12)),
    "lattice": lambda rng: rng.integers(0, 3, (500, 4)),
    "far off": lambda rng: 1000 + rng.standard_normal((300, 5)),
    "tiny": lambda rng: 1e-20 * rng.standard_normal((200, 7)),
}


def by_loop(x: np.ndarray, count: int, rng: np.random.Generator, together: int) -> list[int]:
    """All distances, as float32 holds them."""
    squares = ((x[:, None] - x[None]) ** 2).sum(2).astype(np.float32).astype(np.float64)
    taken = [int(rng.integers(len(x)))]
    while len(taken) < count and (gaps := squares[taken].min(0)).max() > 0:
        total = np.cumsum(gaps)
        draws = np.searchsorted(total, rng.random(max(4, together)) * total[-1], side="right")
        fresh = [row for row in np.unique(draws.clip(0, len(x) - 1)).tolist() if gaps[row] > 0]
        if together == 1:
            fresh = [min(fresh, key=lambda row: np.minimum(gaps, squares[row]).sum())]
        taken += fresh[: count - len(taken)]
    return taken


@pytest.mark.parametrize(("count", "draws"), [(9, 256), (40, 8)])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_drawn_is_what_the_loop_draws(
    shape: str, count: int, draws: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kmeans_start, "DRAWS", draws)
    x = SHAPES[shape](np.random.default_rng(0)).astype(np.float32)
    space = EmbeddingSpace(x)
    rows = by_loop(x.astype(np.float64), count, np.random.default_rng(5), -(-count // draws))
    assert np.array_equal(started(space, count, np.random.default_rng(5)), x[rows])


def test_few_distinct_samples_start_few() -> None:
    x = np.repeat(np.array([[0, 1], [5, 5], [9, 0]], np.float32), 20, axis=0)
    assert len(started(EmbeddingSpace(x), 10, np.random.default_rng(0))) == 3
