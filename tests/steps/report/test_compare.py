from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from prune.steps.report.compare import MeasuredPool, compare, coverage
from prune.system.executors import threads


def test_distances_to_the_nearest_kept_sample_by_hand() -> None:
    line = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    found = coverage(line, np.arange(4), np.array([0, 2]))
    assert found == {"mean": pytest.approx(5 / 4), "max": pytest.approx(4)}


def test_the_same_bits_by_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((6000, 24), dtype=np.float32)
    witnesses, kept = np.arange(0, 6000, 13), np.arange(0, 6000, 2)
    squares = ((points[witnesses][:, None, :] - points[kept][None, ::50, :]) ** 2).sum(-1)
    found = set()
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        found.add(tuple(coverage(points, witnesses, kept).values()))
    assert len(found) == 1
    assert found.pop()[1] <= np.sqrt(squares.min(1)).max()


def test_given_samples_count_as_kept_in_classes_and_distances() -> None:
    line = np.arange(8.0, dtype=np.float32)[:, None]
    labels = np.repeat([0, 1], 4)
    pool = MeasuredPool(free=np.array([2, 3, 4, 5, 6]), given=np.array([0, 1]), dropped=np.array([7]))
    found = compare(line, labels, pool, np.array([4]), 2, 0)
    assert found["given"] == 2
    assert found["classes"] == {
        "least_kept": {"class": 1, "fraction": 0.25},  # of four, one of them left out as hardest
        "most_kept": {"class": 0, "fraction": 0.5},
        "present": 2,
        "lost": 0,
    }
    far = found["distance_to_nearest_kept"]
    assert far["witnesses"] == 7
    assert far["selection"] == {"mean": pytest.approx(5 / 7), "max": pytest.approx(2)}  # 1 1 1 2 by row 2 … 6
    every = compare(line, labels, replace(pool, given=pool.given[:0]), np.array([4]), 2, 0)
    assert "given" not in every
    assert every["classes"]["lost"] == 1


def test_random_sets_keep_the_given_samples_too() -> None:
    line = np.concatenate([np.zeros(20), [100.0]]).astype(np.float32)[:, None]
    pool = MeasuredPool(free=np.arange(20), given=np.array([20]), dropped=np.empty(0, np.int64))
    chance = compare(line, np.zeros(21, np.int64), pool, np.array([3]), 1, 0)["distance_to_nearest_kept"]
    assert chance["random"] == {"mean": 0, "max": 0}
