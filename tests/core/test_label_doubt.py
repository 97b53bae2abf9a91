"""A threshold where there are two kinds of samples, none where there is one, whatever the scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.label_doubt import doubt, suspect_ranks
from prune.scorers import SCORERS

N = 4000


def _known(name: str) -> dict[str, Any]:
    """What the row of a scorer says; nothing of a score that was computed elsewhere."""
    if not name:
        return {}
    return {"loses_beyond": SCORERS[name].loses_beyond, "probability": SCORERS[name].probability}


def _mixed(rate: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Margins as AUM has them: learned samples around 4, wrong labels around −4."""
    rng = np.random.default_rng(seed)
    wrong = np.arange(N) < round(rate * N)
    return np.where(wrong, rng.normal(-4, 2, N), rng.normal(4, 2, N)).astype(np.float32), wrong


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.2, 0.35])
def test_two_kinds_are_parted_in_the_right_place(rate: float) -> None:
    margins, wrong = _mixed(rate)
    for numbers, high, name in (
        (margins, "easy", "aum"),
        (-margins, "hard", ""),
        (np.logaddexp(0, -margins), "hard", "loss"),  # as the loss
        (1 / (1 + np.exp(-margins)), "easy", "confidence"),  # as the confidence
        (np.sqrt(2) / (1 + np.exp(margins)), "hard", "el2n"),  # as the error
    ):
        scores = np.asarray(numbers, np.float32)
        found = doubt(scores, high, **_known(name))
        assert abs(found.mask.mean() - rate) < 0.07, (high, found.rule)
        assert wrong[found.mask].mean() > 0.85
        assert found.mask[wrong].mean() > 0.7
        beyond = scores >= found.threshold if high == "hard" else scores <= found.threshold
        assert np.array_equal(beyond, found.mask)
        assert f"{found.threshold:.4g}" in found.rule


RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    "scores",
    [
        RNG.normal(size=N),
        RNG.exponential(size=N),
        RNG.gamma(2, size=N),
        RNG.random(N),
        RNG.lognormal(0, 2, N),
        RNG.beta(1, 6, N),
        -RNG.gumbel(size=N),
        RNG.gumbel(size=N),
        RNG.standard_t(3, N),
    ],
    ids=["normal", "exponential", "gamma", "uniform", "lognormal", "beta", "left", "right", "heavy"],
)
def test_one_kind_has_no_threshold_however_skewed(scores: np.ndarray) -> None:
    for high in ("hard", "easy"):
        found = doubt(scores.astype(np.float32), high)
        assert not found.mask.any(), found.rule
        assert found.threshold is None


@pytest.mark.parametrize(
    ("scores", "rule"),
    [
        (np.ones(N), "1 different scores are too few"),
        (RNG.integers(0, 10, N), "10 different scores are too few"),
        (RNG.normal(size=199), "199 samples are too few"),
        (np.full(N, np.nan), "0 samples are too few"),
        (np.zeros(0), "0 samples are too few"),
    ],
)
def test_what_has_no_shape_has_no_threshold(scores: np.ndarray, rule: str) -> None:
    found = doubt(scores.astype(np.float32), "hard")
    assert rule in found.rule
    assert len(found.mask) == len(scores)
    assert not found.mask.any()


def test_missing_scores_are_not_doubted_and_change_nothing() -> None:
    margins, _ = _mixed(0.1)
    holes = np.concatenate([margins, np.full(100, np.nan, np.float32), [np.inf, -np.inf]])
    found = doubt(holes.astype(np.float32), "easy")
    assert np.array_equal(found.mask[:N], doubt(margins, "easy").mask)
    assert not found.mask[N:].any()


def test_a_score_that_does_not_say_which_end_is_hard_is_refused() -> None:
    with pytest.raises(ValueError, match="high values are 'uncertain'"):
        doubt(np.zeros(99, np.float32), "uncertain")


def test_clean_samples_of_two_kinds_are_not_doubted_where_their_label_wins() -> None:
    rng = np.random.default_rng(2)
    logits = np.where(rng.random(N) < 0.7, rng.normal(14, 3, N), rng.normal(4, 2, N))
    for numbers, high, name in (
        (1 / (1 + np.exp(-logits)), "easy", "confidence"),
        (np.logaddexp(0, -logits), "hard", "loss"),
        (np.sqrt(2) / (1 + np.exp(logits)), "hard", "el2n"),
    ):
        found = doubt(np.asarray(numbers, np.float32), high, **_known(name))
        assert not (found.mask & (logits > 0)).any(), found.rule
        assert found.mask.mean() < 0.01
    hard_class = np.arange(N) < N // 10
    margins = np.where(hard_class, rng.normal(3, 1, N), rng.normal(10, 1.5, N)).astype(np.float32)
    assert doubt(margins, "easy").mask.sum() > 300  # two kinds, there is no doubt
    assert (margins[doubt(margins, "easy", **_known("aum")).mask] < 0).all()


def test_what_lies_at_the_floor_is_no_kind_of_its_own() -> None:
    rng = np.random.default_rng(3)
    sure = np.where(rng.random(N) < 0.7, 1.0, 1 / (1 + np.exp(-rng.normal(-1, 1, N))))
    assert not doubt(sure.astype(np.float32), "easy", **_known("confidence")).mask.any()


def test_only_the_confidence_is_taken_for_a_probability() -> None:
    scores = np.clip(_mixed(0.2)[0] / 40 + 0.5, 0, 1).astype(np.float32)
    small, large = (doubt(of, "easy", probability=False).mask for of in (scores, scores * 3))
    assert np.array_equal(small, large)


def test_small_clean_data_are_hardly_ever_doubted() -> None:
    draws = np.random.default_rng(4).normal(3, 2, (100, 250)).astype(np.float32)
    assert sum(doubt(draw, "easy").mask.any() for draw in draws) <= 2


def _lots() -> np.ndarray:
    return np.array([9, 3, 7, 1, 5, 2], np.uint64)


def test_labels_are_ranked_from_the_hard_end_and_equal_ones_by_lot() -> None:
    scores = np.array([0.5, 2.0, np.nan, 2.0, -1.0, 2.0], np.float32)
    assert suspect_ranks(scores, "hard", _lots).tolist() == [3, 2, -1, 0, 4, 1]
    assert suspect_ranks(scores, "easy", _lots).tolist() == [1, 4, -1, 2, 0, 3]
    assert suspect_ranks(scores, "hard", _lots).dtype == np.int32


def test_no_lot_is_drawn_where_no_scores_are_equal() -> None:
    def never() -> np.ndarray:
        raise AssertionError

    assert suspect_ranks(np.array([1.0, np.inf, 0.5], np.float32), "hard", never).tolist() == [1, 0, 2]
    assert suspect_ranks(np.full(2, np.nan, np.float32), "hard", never).tolist() == [-1, -1]


@pytest.mark.parametrize("rate", [0.005, 0.1])
def test_there_is_an_order_where_there_is_no_threshold(rate: float) -> None:
    margins, wrong = _mixed(rate)
    ranks = suspect_ranks(margins, "easy", lambda: np.arange(N, dtype=np.uint64))
    assert doubt(margins, "easy", **_known("aum")).mask.any() == (rate > 0.01)
    assert sorted(ranks.tolist()) == list(range(N))
    assert wrong[ranks < wrong.sum()].mean() > 0.8


def test_a_score_whose_ends_say_nothing_of_hardness_has_no_order() -> None:
    with pytest.raises(ValueError, match="'uncertain' does not say which end is hard"):
        suspect_ranks(np.zeros(3, np.float32), "uncertain", _lots)
