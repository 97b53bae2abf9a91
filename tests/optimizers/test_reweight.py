"""Weights by hand, against scipy's NNLS, and where samples coincide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace
from prune.optimizers import reweight
from prune.optimizers.reweight import reweighted


def _gradients(n: int, seed: int = 0) -> tuple[GradientSpace, np.ndarray]:
    rng = np.random.default_rng(seed)
    errors = rng.standard_normal((n, 3)).astype(np.float32)
    features = rng.standard_normal((n, 4)).astype(np.float32)
    long = np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(n)]).reshape(n, -1)
    return GradientSpace(errors, features), long.astype(np.float64)


def test_a_kept_sample_counts_those_nearest_to_it_and_ties_go_to_the_earlier() -> None:
    space = EmbeddingSpace(np.array([[0], [1], [2], [3], [4], [10]], np.float32))
    assert reweighted(space, np.array([4, 0]), "cluster").tolist() == [
        4,
        2,
    ]  # 2 lies between: to 4, taken first
    assert reweighted(space, np.array([0, 4]), "cluster").tolist() == [3, 3]


def test_every_kept_sample_counts_at_least_itself_even_among_duplicates() -> None:
    space = EmbeddingSpace(np.ones((50, 3), np.float16))
    assert reweighted(space, np.array([7, 3, 30]), "cluster").tolist() == [48, 1, 1]


def test_clusters_are_those_of_all_distances() -> None:
    space, long = _gradients(500)
    kept = np.random.default_rng(1).permutation(500)[:70]
    owner = ((long[:, None] - long[kept]) ** 2).sum(-1).argmin(1)
    weights = reweighted(space, kept, "cluster")
    assert weights.tolist() == np.bincount(owner, minlength=70).tolist()
    assert weights.sum() == 500


def test_clusters_do_not_depend_on_where_the_samples_lie() -> None:
    x = np.round(np.random.default_rng(0).standard_normal((400, 64)) * 512).astype(np.float32) / 512
    kept = np.arange(10, 20)
    owner = ((x[:, None].astype(np.float64) - x[kept]) ** 2).sum(-1).argmin(1)
    far = EmbeddingSpace(x + np.float32(1000))
    assert reweighted(far, kept, "cluster").tolist() == np.bincount(owner, minlength=10).tolist()


@pytest.mark.parametrize(("n", "d", "k"), [(200, 60, 20), (300, 40, 40)])
def test_nnls_is_that_of_scipy(n: int, d: int, k: int) -> None:
    rng = np.random.default_rng(n)
    rows = (rng.standard_normal((n, d)) + 0.3).astype(np.float32)
    kept = rng.permutation(n)[:k]
    wanted, _ = nnls(rows[kept].T.astype(np.float64), rows.sum(0, dtype=np.float64))
    assert reweighted(EmbeddingSpace(rows), kept, "nnls") == pytest.approx(wanted, abs=1e-4)


def _spread_out(kind: str, rng: np.random.Generator) -> np.ndarray:
    rows = rng.standard_normal((300, 20)) + 0.3
    if kind == "eight decades":
        rows *= 10 ** rng.uniform(-8, 0, (300, 1))
    if kind == "nearly parallel":
        rows = (rows[rng.integers(0, 8, 300)] + 1e-3 * rng.standard_normal((300, 20))) * 10 ** rng.uniform(
            -7, 0, (300, 1)
        )
    if kind == "copies":
        rows = rows[rng.integers(0, 12, 300)]
    if kind == "a far mean":
        rows += 1000
    return rows.astype(np.float32)


@pytest.mark.parametrize("kind", ["eight decades", "nearly parallel", "copies", "a far mean", "plain"])
def test_nothing_leaves_less_than_nnls_does(kind: str) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows, kept = _spread_out(kind, rng), rng.permutation(300)[: (12, 60)[seed % 2]]
        long = rows.astype(np.float64)
        goal = long.sum(0) / np.linalg.norm(long.sum(0))
        unit = long[kept] / np.linalg.norm(long[kept], axis=1, keepdims=True)
        _, least = nnls(unit.T, goal, maxiter=10_000)  # more samples than dimensions: weights are not unique
        weights = reweighted(EmbeddingSpace(rows), kept, "nnls").astype(np.float64)
        assert (weights >= 0).all()
        left = np.linalg.norm(goal - weights @ long[kept] / np.linalg.norm(long.sum(0)))
        assert left == pytest.approx(least, abs=1e-5)


def test_nnls_of_gradients_is_that_of_the_long_vectors() -> None:
    space, long = _gradients(300)
    kept = np.arange(0, 300, 30)
    wanted, _ = nnls(long[kept].T, long.sum(0))
    assert reweighted(space, kept, "nnls") == pytest.approx(wanted, abs=1e-4)


def test_blocks_that_take_turns_come_to_nearly_the_same_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = (rng.standard_normal((400, 120)) + 0.2).astype(np.float32)
    space, kept = EmbeddingSpace(rows), np.arange(0, 400, 5)

    def left() -> float:
        weights = reweighted(space, kept, "nnls").astype(np.float64)
        assert (weights >= 0).all()
        return float(np.linalg.norm(rows.sum(0, dtype=np.float64) - weights @ rows[kept]))

    whole = left()
    monkeypatch.setattr(reweight, "AT_ONCE", 7)
    assert whole <= left() <= 1.001 * whole


def test_nothing_to_weigh_is_no_trouble() -> None:
    zeros = EmbeddingSpace(np.zeros((5, 2), np.float32))
    assert reweighted(zeros, np.array([1, 3]), "nnls").tolist() == [0, 0]
    assert reweighted(zeros, np.arange(5), "cluster").tolist() == [1] * 5


def test_what_cannot_be_weighed_is_refused() -> None:
    space = EmbeddingSpace(np.ones((5, 2), np.float32))
    with pytest.raises(ValueError, match="weights 'mean' are not one of cluster, nnls"):
        reweighted(space, np.array([0]), "mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"kept rows must be in \[0, 5\)"):
        reweighted(space, np.array([5]), "nnls")
    with pytest.raises(ValueError, match="1 of 3 kept rows come twice"):
        reweighted(space, np.array([1, 2, 1]), "nnls")
