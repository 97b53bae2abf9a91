"""The engines on functions small enough for a plain loop, and for all subsets."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from prune.core.errors import OptionError
from prune.optimizers.engines import maximise
from prune.optimizers.function import QUEUE
from prune.optimizers.stochastic import draws


class Cover:
    """f(S) = weight of what the sets of S cover together, less a price for each."""

    def __init__(self, sets: np.ndarray, price: float = 0.0) -> None:
        self.sets, self.n, self.price = sets, len(sets), price
        self.open = np.ones(sets.shape[1])
        self.evaluated = 0

    def gains(self, rows: np.ndarray) -> np.ndarray:
        self.evaluated += len(rows)
        return self.sets[rows] @ self.open - self.price

    def add(self, row: int) -> None:
        self.open[self.sets[row] > 0] = 0


def _sets(seed: int, n: int = 80, m: int = 40) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, m)) < 0.1).astype(float)


@settings(max_examples=60, deadline=None)
@drawn(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([0.0, 1.5]))
def test_lazy_is_naive_with_ties_and_negative_gains(seed: int, k: int, price: float) -> None:
    sets = _sets(seed, n=60, m=15)
    taken = np.array([3, 9]) if k < 58 else None
    (rows, gains), (others, theirs) = (
        maximise(Cover(sets, price), k, greedy=greedy, taken=taken) for greedy in ("lazy", "naive")
    )
    assert rows.tolist() == others.tolist()
    assert gains.tolist() == theirs.tolist()
    assert taken is None or not np.isin(taken, rows).any()


def test_lazy_looks_at_few() -> None:
    function = Cover(_sets(0, n=2000, m=400))
    maximise(function, 100)
    assert function.evaluated < 2000 * 100 / 10


def test_lazy_holds_few_bytes_a_sample() -> None:
    class Flat:
        n = 200_000

        def gains(self, rows: np.ndarray) -> np.ndarray:
            return np.zeros(len(rows))

        def add(self, row: int) -> None:
            pass

    maximise(Flat(), 2)
    tracemalloc.start()
    rows, _ = maximise(Flat(), 50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.tolist() == list(range(50))
    assert peak < QUEUE * Flat.n


def test_greedy_has_a_share_of_the_best_of_all_subsets() -> None:
    for seed in range(4):
        sets = _sets(seed, n=12, m=20)
        best = max((sets[list(some)].sum(0) > 0).sum() for some in combinations(range(12), 3))
        rows, gains = maximise(Cover(sets), 3)
        assert gains.sum() == (sets[rows].sum(0) > 0).sum() >= (1 - 1 / np.e) * best


@pytest.mark.parametrize("greedy", ["lazy", "naive", "stochastic", "approximate"])
@pytest.mark.parametrize("k", [1, 7, 80])
def test_exactly_k_distinct_rows_come_back_even_at_a_loss(greedy: str, k: int) -> None:
    sets = _sets(1)
    for price in (0.0, 5.0):
        runs = [maximise(Cover(sets, price), k, greedy=greedy, seed=4) for _ in range(2)]
        assert len(np.unique(runs[0][0])) == k
        assert all(np.array_equal(one, two) for one, two in zip(*runs, strict=True))


def test_approximate_is_within_epsilon_of_the_bound_and_cheaper() -> None:
    exact, near = Cover(_sets(2, n=500, m=200)), Cover(_sets(2, n=500, m=200))
    _, best = maximise(exact, 50)
    _, gains = maximise(near, 50, greedy="approximate", epsilon=0.3)
    assert gains.sum() >= 0.85 * best.sum()
    assert near.evaluated < exact.evaluated


def test_stochastic_draws_enough_to_be_well_above_random() -> None:
    assert draws(1000, 100, 0.1) == 24  # ⌈10 · 2.303⌉
    sets = _sets(3, n=400, m=300)
    _, best = maximise(Cover(sets), 20)
    rng = np.random.default_rng(0)
    random = np.mean([(sets[rng.choice(400, 20, replace=False)].sum(0) > 0).sum() for _ in range(20)])
    for seed in range(3):
        _, gains = maximise(Cover(sets), 20, greedy="stochastic", seed=seed)
        assert gains.sum() > random + 0.7 * (best.sum() - random)


@pytest.mark.parametrize("epsilon", [0.0, 0.51, 0.9])
@pytest.mark.parametrize("greedy", ["stochastic", "approximate"])
def test_an_epsilon_that_is_no_better_than_random_is_refused(greedy: str, epsilon: float) -> None:
    with pytest.raises(OptionError, match=rf"epsilon={epsilon:g} is not in \(0, 0.5\]"):
        maximise(Cover(_sets(0)), 3, greedy=greedy, epsilon=epsilon)


def test_callers_mistakes_have_the_numbers() -> None:
    with pytest.raises(ValueError, match="cannot keep 79 of 78 samples"):
        maximise(Cover(_sets(0)), 79, taken=np.array([0, 1, 1]))
    with pytest.raises(ValueError, match="greedy 'eager' is not one of"):
        maximise(Cover(_sets(0)), 3, greedy="eager")
