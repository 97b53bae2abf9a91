"""Parts: large clusters are split, samples that coincide are not."""

from __future__ import annotations

import numpy as np

from prune.index.balanced_clusters import parts
from prune.index.space import EmbeddingSpace


def test_what_is_too_large_is_split_and_nobody_is_lost() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((1000, 3))
    points[900:, 0] += 100
    space = EmbeddingSpace(points.astype(np.float32))
    found = parts(space, np.arange(1000), 2, 600, seed=0)
    sizes = np.bincount(found.owner)
    assert found.split >= 1
    assert sizes.sum() == 1000
    assert 0 < sizes.min() <= sizes.max() <= 600
    for part in range(len(sizes)):
        members = points[found.owner == part]
        expected = ((members - members.mean(0)) ** 2).sum(1)
        assert np.allclose(found.squares[found.owner == part], expected, rtol=0.2, atol=0.2)


def test_samples_that_coincide_stay_together() -> None:
    points = np.ones((500, 2), np.float16)
    points[:3] = [[5, 0], [0, 5], [-5, -5]]
    found = parts(EmbeddingSpace(points), np.arange(500), 4, 50, seed=0)
    assert np.bincount(found.owner).max() == 497
    assert len(np.unique(found.owner[:3])) == 3


def test_only_the_rows_asked_for() -> None:
    points = np.arange(20, dtype=np.float32)[:, None]
    found = parts(EmbeddingSpace(points), np.array([0, 1, 18, 19]), 2, 9, seed=0)
    assert found.owner[0] == found.owner[1] != found.owner[2] == found.owner[3]
    assert len(parts(EmbeddingSpace(points), np.empty(0, np.int64), 1, 9, seed=0).owner) == 0
