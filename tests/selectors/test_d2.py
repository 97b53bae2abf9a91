"""D2 by hand, and against a loop over dense matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace, Space
from prune.selectors.d2 import d2 as d2_of
from prune.selectors.d2 import plan_of_d2


def d2(scores: np.ndarray, space: Space, **options: Any) -> Selection:
    """Choose by names of our own."""
    return d2_of(scores, space, [str(row) for row in range(space.n)], **options)


LINE = np.array([[0], [1], [3], [20], [21]], np.float32)


def _loop(scores: np.ndarray, points: np.ndarray, k: int, count: int, forward: float, reverse: float):
    """D2 with an n × n matrix of distances, one argmax a pick."""
    n = len(points)
    distances = np.sqrt(((points[:, None].astype(np.float64) - points[None]) ** 2).sum(2))
    np.fill_diagonal(distances, np.inf)
    joined = np.zeros((n, n), bool)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :count]
    joined[np.arange(n)[:, None], nearest] = True
    lengths = distances / np.take_along_axis(distances, nearest, 1).mean()
    joined |= joined.T
    lengths = np.where(joined, lengths, 0)
    worth = (scores - scores.min()) / (scores.max() - scores.min())
    values = worth + np.where(joined, np.exp(-forward * lengths) * worth, 0).sum(1)
    rows, gains, open_ = [], [], np.ones(n, bool)
    for _ in range(k):
        best = int(np.argmax(np.where(open_, values, -np.inf)))
        rows.append(best)
        gains.append(values[best])
        open_[best] = False
        values = values - np.where(joined[best], np.exp(-reverse * lengths[best]) * max(values[best], 0), 0)
    return rows, gains


@pytest.mark.parametrize(("count", "forward", "reverse"), [(5, 1.0, 1.0), (1, 0.3, 0.0), (15, 2.0, 0.1)])
def test_it_is_the_dense_loop(count: int, forward: float, reverse: float) -> None:
    rng = np.random.default_rng(1)
    points = rng.standard_normal((200, 6)).astype(np.float32)
    scores = rng.gamma(1.0, size=200).astype(np.float32)
    options = {"neighbours": count, "gamma_forward": forward, "gamma_reverse": reverse}
    taken = d2(scores, EmbeddingSpace(points), k=200, seed=0, **options)
    rows, gains = _loop(scores.astype(np.float64), points, 200, count, forward, reverse)
    assert taken.rows.tolist() == rows
    assert np.allclose(taken.gains, gains, atol=1e-5)
    assert (np.diff(taken.gains) <= 0).all()
    assert taken.facts["recall"] == 1


def test_by_hand() -> None:
    scores = np.array([4, 2, 0, 2, 0], np.float32)  # mapped to 1, ½, 0, ½, 0; 0–1, 1–2 and 3–4 are joined
    taken = d2(scores, EmbeddingSpace(LINE), k=5, seed=0, neighbours=1)
    unit = (1 + 1 + 2 + 1 + 1) / 5
    near, far = np.exp(-1 / unit), np.exp(-2 / unit)
    assert taken.facts["unit"] == pytest.approx(unit)
    first = 1 + near / 2  # of 0; then 1 has ½ + near − near·first, 3 has ½, and 4 has near/2
    assert taken.rows[:2].tolist() == [0, 3]
    assert taken.gains[:2].tolist() == pytest.approx([first, 0.5])
    rest = {1: 0.5 + near - near * first, 2: far / 2, 4: near / 2 - near / 2}
    assert taken.rows[2:].tolist() == [2, 1, 4] if rest[2] > rest[1] else [1, 2, 4]


def test_low_scores_can_be_taken_first() -> None:
    scores = np.array([0.3, 0.9, 0.5, 0.1, 0.8], np.float32)
    space = EmbeddingSpace(LINE)
    low = d2(scores, space, k=5, seed=0, lowest=True)
    assert low.rows.tolist() == d2(1 - scores, space, k=5, seed=0).rows.tolist()
    assert low.rows[0] != d2(scores, space, k=1, seed=0).rows[0]


def test_scale_of_scores_and_distances_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    points, scores = rng.standard_normal((60, 3)).astype(np.float32), rng.random(60).astype(np.float32)
    one = d2(scores, EmbeddingSpace(points), k=60, seed=0)
    assert np.array_equal(one.rows, d2(scores * 8 - 3, EmbeddingSpace(points * 64), k=60, seed=0).rows)


def test_given_samples_come_first_and_lower_their_neighbours() -> None:
    scores = np.array([3, 4, 1, 2, 0], np.float32)
    space = EmbeddingSpace(LINE)
    alone = d2(scores, space, k=5, seed=0, neighbours=1, gamma_reverse=0.0)
    assert alone.rows[:2].tolist() == [1, 3]  # 1 has two neighbours
    after = d2(scores, space, k=4, seed=0, neighbours=1, gamma_reverse=0.0, given=np.array([1]))
    assert after.rows.tolist() == alone.rows[1:].tolist()
    assert after.gains.tolist() == alone.gains[1:].tolist()
    both = d2(scores, space, k=3, seed=0, neighbours=1, gamma_reverse=0.0, given=np.array([3, 1]))
    assert both.rows.tolist() == alone.rows[2:].tolist()


def test_a_single_sample_has_no_neighbours() -> None:
    taken = d2(np.array([3], np.float32), EmbeddingSpace(LINE[:1]), k=1, seed=0)
    assert (taken.rows.tolist(), taken.gains.tolist()) == ([0], [1])


def test_what_makes_no_sense_is_refused() -> None:
    scores, space = np.arange(5, dtype=np.float32), EmbeddingSpace(LINE)
    with pytest.raises(OptionError, match="neighbours=0 is not at least 1"):
        d2(scores, space, k=1, seed=0, neighbours=0)
    with pytest.raises(OptionError, match="gamma_reverse=-1 is not a number from 0 up"):
        d2(scores, space, k=1, seed=0, gamma_reverse=-1)
    with pytest.raises(ValueError, match="4 scores, but 5 samples"):
        d2(scores[:4], space, k=1, seed=0)
    with pytest.raises(ValueError, match=r"scores span \[0.0, inf\]"):
        d2(np.array([0, 1, 2, 3, np.inf], np.float32), space, k=1, seed=0)
    with pytest.raises(ValueError, match="cannot keep 4 of 3 samples"):
        d2(scores, space, k=4, seed=0, given=np.array([0, 4]))


def test_its_plan_says_how_neighbours_are_found() -> None:
    few, many = (plan_of_d2(Size(n, 512, 2**33), 100, {"neighbours": 5}) for n in (10_000, 10_000_000))
    assert few.mode == many.mode == "sparse"
    assert few.why.startswith("5 nearest of 10,000 samples: exact")
    assert many.why.startswith("5 nearest of 10,000,000 samples: ivf")
    assert few.bytes < 2**28 < many.bytes
