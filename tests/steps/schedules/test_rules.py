"""Schedules: their sets by hand, by a slow oracle, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.space import EmbeddingSpace
from prune.steps.schedules.milo import EPSILON, LAM, Milo
from prune.steps.schedules.rules import EasyToHard, RandomSubsets


@pytest.mark.parametrize(("m", "k"), [(12, 4), (10, 4), (7, 5), (9, 9), (5, 1), (30, 7)])
def test_no_row_comes_again_before_all_have_come(m: int, k: int) -> None:
    epochs = 4 * m
    sets = RandomSubsets(m, k, epochs, seed=3)
    every = [sets.rows_of(epoch) for epoch in range(epochs)]
    assert all(len(set(rows.tolist())) == k for rows in every)
    times = np.zeros(m, int)
    for rows in every:
        times[rows] += 1
        assert times.max() - times.min() <= 2  # within an epoch that ends one pass and begins the next
    assert (times == 4 * k).all()
    for epoch in range(m):  # after each whole pass, all as often
        if (epoch * k) % m == 0:
            assert (
                np.bincount(np.concatenate([*every[:epoch], []]).astype(int), minlength=m) == epoch * k // m
            ).all()
    backwards = RandomSubsets(m, k, epochs, seed=3)
    assert all((backwards.rows_of(e) == every[e]).all() for e in reversed(range(epochs)))


def test_independent_sets_are_uniform() -> None:
    sets = RandomSubsets(np.arange(100, 110), 3, 4000, independent=True)
    counts = np.bincount(np.concatenate([sets.rows_of(e) for e in range(4000)]) - 100, minlength=10)
    np.testing.assert_allclose(counts / 4000, 0.3, atol=0.04)


def test_a_curriculum_begins_with_the_easiest_and_ends_with_all() -> None:
    easy_first = np.array([5, 3, 8, 1, 9, 0, 2, 7, 6, 4])
    sets = EasyToHard(easy_first, 2, 8, phase=0.5)
    assert [sets.pool(epoch) for epoch in range(8)] == [2, 4, 6, 8, 10, 10, 10, 10]
    assert sets.rows_of(0).tolist() == [3, 5]
    for epoch in range(8):
        rows = sets.rows_of(epoch)
        assert len(set(rows.tolist())) == 2
        assert set(rows.tolist()) <= set(easy_first[: sets.pool(epoch)].tolist())
    assert EasyToHard(easy_first, 2, 8, phase=0).pool(0) == 10


def test_the_pool_of_a_curriculum_is_counted_without_rounding() -> None:
    """0.07 * 100 is above 7 in floating point: everything would come an epoch late, and 3 of 7 too few."""
    sets = EasyToHard(np.arange(800), 100, 100, phase=0.07)
    assert [sets.pool(epoch) for epoch in range(9)] == [100, 200, 300, 400, 500, 600, 700, 800, 800]


def test_milo_against_a_slow_oracle() -> None:
    points = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
    classes = [(np.arange(0, 24, 2), 4), (np.arange(1, 24, 2), 3)]
    sets = Milo(classes, lambda rows: EmbeddingSpace(points, rows=rows), 12, seed=5)
    assert sets.first == 2
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    for epoch in range(12):
        expected = []
        for at, (rows, k) in enumerate(classes):
            cos = (unit[rows] @ unit[rows].T).astype(np.float64)
            slow = _graph_cut(cos, k, [5, epoch, at]) if epoch < 2 else _explored(cos, k, [5, epoch, at])
            expected += rows[slow].tolist()
        assert sets.rows_of(epoch).tolist() == sorted(expected)


def _graph_cut(cos: np.ndarray, k: int, seed: list[int]) -> list[int]:
    """The best of a few random ones a step, by the whole function: what is like all, less λ times inside."""
    alike, n = (1 + cos) / 2, len(cos)
    rng = np.random.default_rng(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
    draws = min(int(np.ceil(n / k * np.log(1 / EPSILON))), n)
    taken: list[int] = []
    left = list(range(n))

    def value(chosen: list[int]) -> float:
        inside = alike[np.ix_(chosen, chosen)].sum() - len(chosen)
        return float(alike[:, chosen].sum() - LAM * inside)

    for _ in range(k):
        drawn = rng.choice(len(left), min(draws, len(left)), replace=False, shuffle=False)
        best = max(drawn, key=lambda at: value([*taken, left[at]]))
        taken.append(left[best])
        left[best] = left[-1]
        left.pop()
    return taken


def _explored(cos: np.ndarray, k: int, seed: list[int]) -> list[int]:
    """Farthest first from the rim, odds by the distance to those before, and draws by them."""
    far = (1 - cos) / 2
    start = int(np.argmin(cos.mean(1)))
    taken, gaps = [start], {start: far[start].max()}
    while len(taken) < len(cos):
        nearest = {j: far[j, taken].min() for j in range(len(cos)) if j not in taken}
        new = max(nearest, key=lambda j: nearest[j])
        gaps[new] = nearest[new]
        taken.append(new)
    odds = np.array([1 + gaps[j] + gaps[j] ** 2 / 2 for j in range(len(cos))])
    noise = np.random.default_rng(seed).gumbel(size=len(cos))
    return np.argsort(-(np.log(odds) + noise))[:k].tolist()


def test_milo_explores_what_is_unlike_the_rest() -> None:
    """Nine copies and one other: its odds are 2.5, theirs 1, but for the one that is taken first."""
    points = np.ones((10, 2), np.float32)
    points[4] = -1
    sets = Milo([(np.arange(10), 1)], lambda rows: EmbeddingSpace(points, rows=rows), 6000, phase=0)
    np.testing.assert_allclose(np.sort(sets.odds(0)), [*[1] * 8, 2.5, 2.5], atol=1e-5)
    drawn = np.array([sets.rows_of(epoch)[0] for epoch in range(6000)])
    assert np.mean(drawn == 4) == pytest.approx(2.5 / 13, abs=0.02)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: RandomSubsets(5, 6, 1), "cannot have 6 of 5 samples"),
        (lambda: RandomSubsets(5, 2, 0), "0 is no number of epochs"),
        (lambda: EasyToHard(np.arange(5), 2, 3, phase=1.5), "phase=1.5 is no part"),
        (lambda: RandomSubsets(5, 2, 3).rows_of(3), "has 3 epochs, and number 4"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said) -> None:
    with pytest.raises(OptionError, match=said):
        make()
