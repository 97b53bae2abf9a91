"""k-means finds clusters that are there, leaves none empty, and takes samples to the nearest centroid."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index import clusters as module
from prune.index.clusters import clusters
from prune.index.space import EmbeddingSpace


def _planted(n: int, d: int, groups: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(groups)
    label = rng.permutation(np.arange(n) % groups)
    return 20 * rng.standard_normal((groups, d))[label] + rng.standard_normal((n, d)), label


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_planted_clusters_are_found(metric: str, device: str) -> None:
    rows, label = _planted(1200, 16, 12)
    space = EmbeddingSpace(rows.astype(np.float16), metric=metric, device=device)
    found = clusters(space, 12, seed=0)
    assert len(np.unique(found.owner * 100 + label)) == len(found.centroids) == 12
    x = space.block(0, space.n)
    means = np.array([x[found.owner == j].mean(0) for j in range(12)])
    if metric == "cosine":
        means /= np.linalg.norm(means, axis=1, keepdims=True)
    assert np.allclose(found.centroids, means, atol=1e-4)


def test_every_sample_is_with_its_nearest_centroid_also_if_not_trained_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 5)
    x = np.random.default_rng(0).standard_normal((2000, 7)).astype(np.float32)
    found = clusters(EmbeddingSpace(x), 40, seed=3, iterations=4)
    gaps = ((x[:, None].astype(np.float64) - found.centroids[None]) ** 2).sum(2)
    assert np.array_equal(found.owner, gaps.argmin(1))
    assert np.allclose(found.squares, gaps.min(1), rtol=1e-6)
    assert np.bincount(found.owner, minlength=len(found.centroids)).min() > 0
    assert (found.centroids.dtype, found.owner.dtype, found.squares.dtype) == (
        np.float32,
        np.int32,
        np.float32,
    )


def test_fewer_distinct_samples_make_fewer_clusters() -> None:
    x = np.repeat(np.array([[0, 1], [5, 5], [9, 0]], np.float16), 20, axis=0)
    found = clusters(EmbeddingSpace(x), 10, seed=0)
    assert len(found.centroids) == 3
    assert (found.squares == 0).all()
    assert len(clusters(EmbeddingSpace(np.zeros((7, 2), np.float16)), 4, seed=0).centroids) == 1
    one = clusters(EmbeddingSpace(x[:1], metric="cosine"), 5, seed=0)
    assert (one.centroids.tolist(), one.owner.tolist()) == ([[0, 1]], [0])


def test_as_many_clusters_as_samples_and_more_of_them_serve_better() -> None:
    space = EmbeddingSpace(np.random.default_rng(0).standard_normal((90, 5)).astype(np.float32))
    assert (clusters(space, 90, seed=0).squares == 0).all()
    inertia = [clusters(space, count, seed=0).squares.sum() for count in (1, 3, 10, 30)]
    assert (np.diff(inertia) < 0).all()
    centre = space.block(0, 90).mean(0)
    assert np.allclose(clusters(space, 1, seed=0).centroids, centre, atol=1e-6)


def test_another_seed_is_another_start_and_no_cluster_is_refused() -> None:
    space = EmbeddingSpace(np.random.default_rng(0).standard_normal((500, 5)).astype(np.float32))
    one, same, other = (clusters(space, 12, seed=seed, iterations=2) for seed in (1, 1, 2))
    assert np.array_equal(one.centroids, same.centroids)
    assert not np.array_equal(one.centroids, other.centroids)
    with pytest.raises(ValueError, match="cannot form 0 clusters"):
        clusters(space, 0, seed=0)


@pytest.mark.gpu
def test_cuda_has_the_clusters_of_the_host() -> None:
    rows, _ = _planted(20_000, 32, 50)
    on_host, on_device = (
        clusters(EmbeddingSpace(rows.astype(np.float16), device=device), 50, seed=0)
        for device in ("cpu", "cuda")
    )
    assert np.array_equal(on_host.centroids, on_device.centroids)
    assert np.array_equal(on_host.owner, on_device.owner)
