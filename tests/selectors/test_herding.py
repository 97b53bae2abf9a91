"""Herding by hand, against the plain loop, and against random."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace
from prune.selectors.herding import herding


def _plain(x: np.ndarray, k: int, given: list[int]) -> tuple[list[int], list[float]]:
    x = x.astype(np.float64)
    mean, chosen, gains = x.mean(0), list(given), []
    before = np.linalg.norm(x[chosen].mean(0) - mean) if chosen else np.linalg.norm(mean)
    for _ in range(k):
        far = np.linalg.norm((x[chosen].sum(0) + x) / (len(chosen) + 1) - mean, axis=1)
        far[chosen] = np.inf
        chosen.append(int(np.flatnonzero(far <= far.min() * (1 + 1e-9))[0]))
        gains.append(before - far.min())
        before = far.min()
    return chosen[len(given) :], gains


def test_takes_the_sample_at_the_mean_and_then_what_balances() -> None:
    taken = herding(EmbeddingSpace(np.array([[0], [3], [5], [12]], np.float16)), k=3)
    assert taken.rows.tolist() == [2, 1, 2 + 1]  # mean 5; then (5 + 3) / 2 = 4; then (8 + 12) / 3 = 6.67
    assert taken.gains == pytest.approx([5, -1, 1 - 5 / 3])


@pytest.mark.parametrize("given", [[], [3, 40, 77]])
@pytest.mark.parametrize("seed", range(3))
def test_is_the_plain_loop_with_ties_and_duplicates(seed: int, given: list[int]) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((300, 5)).astype(np.float32) + 3
    x[100:200] = x[:100]
    x[[7, 250]] = 0
    taken = herding(EmbeddingSpace(x), k=120, given=np.array(given, np.int64))
    rows, gains = _plain(x, 120, given)
    assert taken.rows.tolist() == rows
    np.testing.assert_allclose(taken.gains, gains, atol=1e-5)


@pytest.mark.parametrize("off", [30, 1000])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_a_mean_far_off_changes_nothing(off: int, metric: Literal["euclidean", "cosine"]) -> None:
    x = (off + np.random.default_rng(off).standard_normal((600, 8))).astype(np.float32)
    long = x.astype(np.float64)
    if metric == "cosine":
        long /= np.linalg.norm(long, axis=1, keepdims=True)
    long -= long.mean(0)  # which the plain loop, too, has no digits without
    for given in ([], [5, 9]):
        taken = herding(EmbeddingSpace(x), k=100, metric=metric, given=np.array(given, np.int64))
        rows, gains = _plain(long, 100, given)
        assert taken.rows.tolist() == rows
        scale = float(np.abs(long).max())
        assert taken.facts["distance"] == pytest.approx(
            np.linalg.norm(long[[*given, *rows]].mean(0)), abs=1e-9 * scale
        )
        np.testing.assert_allclose(taken.gains[1:], gains[1:], atol=1e-5 * scale)


def test_few_distinct_samples_go_by_row() -> None:
    x = np.random.default_rng(1).integers(0, 2, (200, 3)).astype(np.float16)
    assert herding(EmbeddingSpace(x), k=90).rows.tolist() == _plain(x, 90, [])[0]


def test_is_far_nearer_to_the_mean_than_random() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((2000, 20)).astype(np.float32)
    taken = herding(EmbeddingSpace(x), k=50)
    far = np.linalg.norm(x[taken.rows].mean(0) - x.mean(0))
    random = np.linalg.norm(x[rng.choice(2000, 50, replace=False)].mean(0) - x.mean(0))
    assert far < 0.1 * random
    assert taken.facts["distance"] == pytest.approx(far, rel=1e-3)


def test_gradients_are_herded_like_the_products_they_stand_for() -> None:
    rng = np.random.default_rng(3)
    e, h = rng.standard_normal((80, 3)).astype(np.float32), rng.standard_normal((80, 4)).astype(np.float32)
    explicit = np.einsum("nc,nd->ncd", e, np.hstack([h, np.ones((80, 1), np.float32)])).reshape(80, -1)
    for metric in ("euclidean", "cosine"):
        one = herding(GradientSpace(e, h), k=40, metric=metric)
        two = herding(EmbeddingSpace(explicit), k=40, metric=metric)
        assert one.rows.tolist() == two.rows.tolist()
        np.testing.assert_allclose(one.gains, two.gains, atol=1e-5)
