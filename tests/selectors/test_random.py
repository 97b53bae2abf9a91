"""Random depends on seed and key, and on nothing else."""

from __future__ import annotations

import numpy as np

from prune.selectors.random import random

KEYS = [f"{i}.png" for i in range(1000)]


def test_order_of_the_samples_does_not_matter() -> None:
    shuffled = np.random.default_rng(0).permutation(1000)
    there = random([KEYS[i] for i in shuffled], k=300, seed=1)
    assert shuffled[there.rows].tolist() == random(KEYS, k=300, seed=1).rows.tolist()


def test_another_seed_is_another_draw() -> None:
    both = np.intersect1d(random(KEYS, k=500, seed=1).rows, random(KEYS, k=500, seed=2).rows)
    assert 200 < len(both) < 300


def test_every_sample_is_as_likely() -> None:
    counts = np.zeros(50)
    for seed in range(2000):
        counts[random(KEYS[:50], k=10, seed=seed).rows] += 1
    assert abs(counts - 400).max() < 5 * np.sqrt(400 * 0.8)


def test_the_draw_is_the_same_in_every_version() -> None:
    assert random(["a", "b", "ä", "c", "d"], k=5, seed=0).rows.tolist() == [2, 0, 3, 1, 4]


def test_any_whole_number_is_a_seed() -> None:
    assert sorted(random(KEYS[:9], k=9, seed=-(2**70)).rows.tolist()) == list(range(9))
