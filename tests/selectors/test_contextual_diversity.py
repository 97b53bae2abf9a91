"""Contextual diversity by hand, against a slow loop, and where predictions are certain."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.selectors.contextual_diversity import contextual_diversity


def _softmax(n: int, c: int, seed: int, scale: float = 2.0) -> np.ndarray:
    logits = scale * np.random.default_rng(seed).standard_normal((n, c))
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def _divergences(probs: np.ndarray, smoothing: float) -> np.ndarray:
    masses = probs.astype(np.float32) + np.float32(smoothing)
    p = (masses / masses.sum(axis=1, dtype=np.float64, keepdims=True)).astype(np.float32)
    logs = np.log(p).astype(np.float64)
    p = p.astype(np.float64)
    return np.stack([((p - q) * (logs - log)).sum(axis=1) / 2 for q, log in zip(p, logs, strict=True)])


def _slow(probs: np.ndarray, first: int, k: int, smoothing: float = 1e-7) -> list[int]:
    gaps = _divergences(probs, smoothing)
    chosen = [first]
    while len(chosen) < k:
        nearest = gaps[chosen].min(axis=0)
        nearest[chosen] = -1
        chosen.append(int(np.argmax(nearest)))
    return chosen


def test_takes_the_opposite_and_then_the_undecided() -> None:
    probs = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [0.88, 0.12]], np.float32)
    found = contextual_diversity(probs, k=4, given=None)
    assert found.rows.tolist() == [2, 0, 1, 3]  # the mean is (.595, .405); 0 and 1 are equally far from 2
    assert found.gains[:3] == pytest.approx([0.2 * np.log(9)] * 3, rel=1e-5)  # ½ · .4 · (ln 1.8 − ln .2)
    assert contextual_diversity(probs, k=1, given=np.array([0, 2])).rows.tolist() == [1]


@pytest.mark.parametrize(("n", "c", "scale"), [(700, 5, 2.0), (300, 130, 4.0), (400, 3, 0.1)])
def test_takes_what_the_plain_loop_takes(n: int, c: int, scale: float) -> None:
    probs = _softmax(n, c, 0, scale)
    found = contextual_diversity(probs, k=n)
    assert found.rows.tolist() == _slow(probs, int(found.rows[0]), n)
    assert (np.diff(found.gains) <= 0).all()


def test_given_samples_count_and_come_not_again() -> None:
    probs = _softmax(300, 6, 1)
    given = np.arange(0, 300, 1)[:270]
    found = contextual_diversity(probs, k=30, given=given)
    assert sorted(found.rows.tolist()) == list(range(270, 300))
    whole = contextual_diversity(probs, k=40)
    later = contextual_diversity(probs, k=30, given=whole.rows[:10])
    assert np.array_equal(later.rows, whole.rows[10:])


def test_certain_predictions_have_finite_divergences_and_duplicates_come_last() -> None:
    probs = np.eye(4, dtype=np.float16)[np.arange(40) % 4]
    found = contextual_diversity(probs, k=40)
    assert set((found.rows[:4] % 4).tolist()) == {0, 1, 2, 3}
    assert np.isfinite(found.gains).all()
    assert (found.gains[4:] == 0).all()
    assert found.rows[4:].tolist() == sorted(found.rows[4:].tolist())
    assert found.gains[1] == pytest.approx(np.log(1 / 1e-7), rel=0.01)


def test_one_class_and_one_sample() -> None:
    assert contextual_diversity(np.ones((3, 1), np.float32), k=3).rows.tolist() == [0, 1, 2]
    assert contextual_diversity(np.array([[0.2, 0.8]], np.float32), k=1).gains.tolist() == [0]


def test_the_same_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    probs = _softmax(60_000, 10, 2).astype(np.float16)
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(contextual_diversity(probs, k=500))
    assert np.array_equal(found[0].rows, found[1].rows)
    assert np.array_equal(found[0].gains, found[1].gains)


def test_what_is_no_distribution_is_refused() -> None:
    probs = _softmax(5, 3, 3)
    for value, message in ((np.nan, "row 2 are no distribution: nan"), (-0.1, "row 2 are no distribution")):
        bad = probs.copy()
        bad[2, 1] = value
        with pytest.raises(ValueError, match=message):
            contextual_diversity(bad, k=1)
    probs[1] = 0
    with pytest.raises(ValueError, match="row 1 are no distribution: 0.0 is the least"):
        contextual_diversity(probs, k=1)
    with pytest.raises(OptionError, match="smoothing=0 is not in"):
        contextual_diversity(_softmax(5, 3, 3), k=1, smoothing=0)
    with pytest.raises(ValueError, match="cannot keep 5 of 4 samples"):
        contextual_diversity(_softmax(5, 3, 3), k=5, given=np.array([2]))
    with pytest.raises(ValueError, match=r"given positions span \[5, 5\], but there are 5 samples"):
        contextual_diversity(_softmax(5, 3, 3), k=1, given=np.array([5]))
