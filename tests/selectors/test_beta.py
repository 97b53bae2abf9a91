"""Beta: the density by an independent computation, the draw by its frequencies, and who prefers what."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from prune.core.errors import OptionError
from prune.selectors.beta import beta

N = 400
RNG = np.random.default_rng(0)
EASY = RNG.random(N).astype(np.float32)
SCORES = (EASY * (1 - EASY)).astype(np.float32)
KEYS = [f"{row:04}.png" for row in range(N)]


def test_the_first_draw_has_the_odds_of_the_published_formula() -> None:
    easy = np.array([0.2, 0.5, 0.8, 0.9], np.float32)
    scores = np.array([1.0, 2.0, 1.0, 3.0], np.float32)
    b = 15 * (1 - easy.mean(dtype=np.float64)) * (1 - 0.75**4)
    odds = stats.beta.pdf(easy.astype(np.float64), 16 - b, b) * scores
    first = np.zeros(4)
    for seed in range(4000):
        chosen = beta(scores, easy, list("abcd"), k=1, seed=seed)
        first[chosen.rows[0]] += 1
    assert chosen.facts["b"] == pytest.approx(b)
    expected = 4000 * odds / odds.sum()
    assert (abs(first - expected) < 5 * np.sqrt(expected + 1)).all()


def test_the_less_is_kept_the_easier_it_is() -> None:
    means = [EASY[beta(SCORES, EASY, KEYS, k=k, seed=0).rows].mean() for k in (200, 80, 20)]
    assert means[0] < means[1] < means[2]
    late = beta(SCORES, EASY, KEYS, k=80, seed=0, c=11).facts["b"]
    assert late > beta(SCORES, EASY, KEYS, k=80, seed=0).facts["b"]


def test_samples_are_drawn_by_key_not_by_place() -> None:
    shuffle = RNG.permutation(N)
    there = beta(SCORES[shuffle], EASY[shuffle], [KEYS[row] for row in shuffle], k=50, seed=1).rows
    assert shuffle[there].tolist() == beta(SCORES, EASY, KEYS, k=50, seed=1).rows.tolist()
    assert set(there.tolist()) != set(beta(SCORES, EASY, KEYS, k=50, seed=2).rows.tolist())


def test_certain_samples_and_scores_of_zero_are_no_trouble() -> None:
    certain = np.array([1, 1, 0, 0.5], np.float32)
    assert sorted(beta(np.ones(4, np.float32), certain, list("abcd"), k=4, seed=0).rows) == [0, 1, 2, 3]
    scores = np.array([0, 1, 0, 1], np.float32)
    assert set(beta(scores, certain, list("abcd"), k=4, seed=0).rows[:2]) == {1, 3}
    assert beta(scores, np.ones(4, np.float32), list("abcd"), k=2, seed=0).facts["b"] == 0


@pytest.mark.parametrize(
    ("scores", "easy", "c", "error", "message"),
    [
        ([-1, 2], [0.5, 0.5], 4, OptionError, "the lowest is -1"),
        ([1, 2], [0.5, 0.5], 0, OptionError, "c=0 is not over 0"),
        ([1, 2], [0.5, 1.5], 4, ValueError, r"easiness spans \[0.5, 1.5\]"),
        ([1, np.inf], [0.5, 0.5], 4, ValueError, r"scores span \[1.0, inf\]"),
    ],
)
def test_what_has_no_odds_is_refused(
    scores: list[float], easy: list[float], c: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        beta(np.array(scores, np.float32), np.array(easy, np.float32), ["a", "b"], k=1, seed=0, c=c)
