"""Round robin against the plain loop."""

from __future__ import annotations

import numpy as np
import pytest

import prune
from prune.index.space import EmbeddingSpace
from prune.selectors.round_robin import round_robin

RNG = np.random.default_rng(0)
POOL = RNG.standard_normal((300, 8)).astype(np.float32)
TARGET = RNG.standard_normal((11, 8)).astype(np.float32)


def _plain(pool: np.ndarray, target: np.ndarray, k: int, seed: int) -> list[int]:
    one, two = (
        x / np.linalg.norm(x, axis=1, keepdims=True) for x in (target.astype(float), pool.astype(float))
    )
    cosines = one @ two.T
    turns, taken = np.random.default_rng(seed).permutation(len(target)), list[int]()
    while len(taken) < k:
        cosines[:, taken] = -9
        taken.append(int(np.argmax(cosines[turns[len(taken) % len(target)]])))
    return taken


@pytest.mark.parametrize("k", [1, 11, 40, 300])
def test_each_takes_the_best_that_is_left(k: int) -> None:
    found = prune.select_rows(POOL, target=TARGET, method="round_robin", k=k, seed=3)
    assert found.rows.tolist() == _plain(POOL, TARGET, k, 3)
    assert found.facts["rounds"] == -(-k // 11)


def test_lists_that_run_out_are_looked_for_again() -> None:
    """All of the target want the same: in memory for one candidate each, they look again and again."""
    target = np.repeat(TARGET[:1], 5, axis=0) + RNG.standard_normal((5, 8)).astype(np.float32) * 1e-3
    keys = [str(row) for row in range(len(POOL))]
    small, large = (EmbeddingSpace(POOL, memory=memory) for memory in (500, 2**28))
    found = [
        round_robin(space, keys, k=30, seed=0, target=EmbeddingSpace(target)) for space in (small, large)
    ]
    assert found[0].rows.tolist() == found[1].rows.tolist() == _plain(POOL, target, 30, 0)
    assert found[0].gains.tolist() == found[1].gains.tolist()


def test_every_kind_of_target_is_served() -> None:
    crowd = np.repeat(np.eye(8, dtype=np.float32)[:1], 1, axis=0)
    pool = np.concatenate([np.eye(8, dtype=np.float32)[row % 4][None] + 0.01 * POOL[:1] for row in range(80)])
    target = np.concatenate([np.repeat(crowd, 1, axis=0), np.eye(8, dtype=np.float32)[1:4]])
    found = prune.select_rows(pool, target=target, method="round_robin", k=8)
    assert np.bincount(found.rows % 4).tolist() == [2, 2, 2, 2]


def test_samples_without_direction_come_last() -> None:
    pool = POOL[:20].copy()
    pool[[3, 7]] = 0
    found = prune.select_rows(pool, target=-pool[:3], method="round_robin", k=20)
    assert set(found.rows[-2:].tolist()) == {3, 7}
    assert found.gains[-2:].tolist() == [0, 0]
    assert len(prune.select_rows(pool, target=0 * TARGET, method="round_robin", k=5)) == 5
