"""Nearest of those kept before, against a loop, through blocks, groups and rows that are kept anyway."""

from __future__ import annotations

import numpy as np
import pytest

from prune.index import duplicates
from prune.index.space import EmbeddingSpace


@pytest.mark.parametrize("threads", ["1", "2"])
def test_it_is_the_loop_through_any_blocks(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    monkeypatch.setattr(duplicates, "TILE", 16)
    rng = np.random.default_rng(0)
    points = rng.integers(0, 6, (150, 2)).astype(np.float32)  # many distances are equal
    order = rng.permutation(150)
    groups, fixed, reach = [order[:90], order[90:140]], [20, 0], 2.0
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = duplicates.nearest_kept(EmbeddingSpace(points), groups, fixed, reach)
    squares, who, kept = np.full(150, np.inf), np.full(150, -1), np.ones(150, bool)
    for rows, head in zip(groups, fixed, strict=True):
        for at in range(head, len(rows)):
            earlier = np.sort(rows[:at][kept[rows[:at]]])
            gaps = ((points[earlier] - points[rows[at]]) ** 2).sum(1)
            if len(gaps):
                squares[rows[at]], who[rows[at]] = gaps.min(), earlier[gaps.argmin()]
            kept[rows[at]] = squares[rows[at]] > reach
    assert np.array_equal(found.kept, kept)
    assert np.array_equal(found.squares, squares)
    assert np.array_equal(found.who, who)
