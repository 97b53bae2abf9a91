from __future__ import annotations

import numpy as np
import pytest

from prune.index import threads
from prune.report.compare import coverage


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
