"""Gumbel: frequencies of the draw against the law it stands for, and the ends of the temperature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.selectors.gumbel import gumbel

SCORES = np.array([0.0, 1.0, 2.0, 4.0], np.float32)
KEYS = ["a", "b", "c", "d"]


def test_pairs_come_as_often_as_drawing_one_after_the_other_would_have_it() -> None:
    odds = np.exp(SCORES / (2.0 * SCORES.std(dtype=np.float64)))
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(5000):
        pair = tuple(gumbel(SCORES, KEYS, k=2, seed=seed, tau=2.0).rows.tolist())
        counts[pair] = counts.get(pair, 0) + 1
    for i, j in itertools.permutations(range(4), 2):
        expected = 5000 * odds[i] / odds.sum() * odds[j] / (odds.sum() - odds[i])
        assert abs(counts.get((i, j), 0) - expected) < 5 * np.sqrt(expected), (i, j)


def test_cold_is_top_and_below_zero_is_bottom() -> None:
    scores = np.random.default_rng(0).permutation(300).astype(np.float32)
    keys = [str(row) for row in range(300)]
    assert gumbel(scores, keys, k=50, seed=0, tau=1e-6).rows.tolist() == np.argsort(-scores)[:50].tolist()
    assert gumbel(scores, keys, k=50, seed=0, tau=-1e-6).rows.tolist() == np.argsort(scores)[:50].tolist()
    hot = scores[gumbel(scores, keys, k=100, seed=0, tau=1e6).rows]
    assert abs(hot.mean() - scores.mean()) < 4 * scores.std() / 10


def test_the_unit_of_the_score_does_not_matter_and_the_order_of_samples_neither() -> None:
    rng = np.random.default_rng(1)
    scores, keys = rng.standard_normal(100).astype(np.float32), [f"k{row}" for row in range(100)]
    rows = gumbel(scores, keys, k=30, seed=4).rows
    assert gumbel(1024 * scores, keys, k=30, seed=4).rows.tolist() == rows.tolist()
    shuffle = rng.permutation(100)
    there = gumbel(scores[shuffle], [keys[row] for row in shuffle], k=30, seed=4).rows
    assert set(shuffle[there].tolist()) == set(rows.tolist())


@pytest.mark.parametrize("tau", [0.0, np.inf, np.nan])
def test_what_is_no_temperature_is_refused(tau: float) -> None:
    with pytest.raises(OptionError, match=f"tau={tau} is not a temperature"):
        gumbel(SCORES, KEYS, k=1, seed=0, tau=tau)


def test_infinite_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scores span \[0.0, inf\]"):
        gumbel(np.array([0, np.inf], np.float32), ["a", "b"], k=1, seed=0)
