from __future__ import annotations

import math

import numpy as np
import pytest

from prune.steps.report.agreement import Repeats, agreement, fold_shift, spearman, stands

rng = np.random.default_rng(0)


def test_by_hand() -> None:
    assert spearman(np.array([1.0, 2, 3, 4]), np.array([10.0, 30, 20, 40])) == pytest.approx(0.8)
    assert spearman(np.array([1.0, 2, 3]), np.array([3.0, 2, 1])) == pytest.approx(-1)


def test_as_scipy_has_it_with_ties_and_gaps() -> None:
    stats = pytest.importorskip("scipy.stats")
    one = rng.integers(0, 9, 200).astype(np.float32)
    two = one + rng.integers(0, 9, 200)
    gaps = one.copy()
    gaps[::7] = np.nan
    known = np.isfinite(gaps)
    assert spearman(one, two) == pytest.approx(stats.spearmanr(one, two).statistic)
    assert spearman(gaps, two) == pytest.approx(stats.spearmanr(one[known], two[known]).statistic)


def test_constant_scores_have_no_ranking() -> None:
    flat = np.ones(5)
    assert math.isnan(spearman(flat, np.arange(5.0)))
    assert math.isnan(spearman(np.array([1.0, np.nan]), np.array([1.0, 2.0])))
    assert stands(flat, 2 * flat, 0.9)
    assert not stands(flat, np.arange(5.0), 0.1)


def test_the_mean_of_runs_is_as_good_as_foretold() -> None:
    truth = rng.normal(size=20_000)
    runs = [truth + rng.normal(size=20_000) for _ in range(8)]
    told = agreement(runs[:4])
    found = spearman(np.mean(runs[:4], 0), np.mean(runs[4:], 0))
    assert told["between_runs"] == pytest.approx(0.48, abs=0.02)  # 6/π·asin(0.5/2)
    assert told["of_mean"] == pytest.approx(found, abs=0.02)
    rho = told["between_runs"]
    assert told["enough"] == math.ceil(19 * (1 - rho) / rho)


def test_runs_that_agree_or_do_not() -> None:
    line = np.arange(9.0)
    assert agreement([line, line]) == {
        "between_runs": pytest.approx(1),
        "of_mean": pytest.approx(1),
        "enough": 1,
    }
    assert agreement([line, -line])["enough"] is None
    assert agreement([line, np.ones(9)]) == {
        "between_runs": None,
        "of_mean": None,
        "enough": None,
        "constant_runs": 1,
    }


def test_noise_never_stands_and_what_repeats_does() -> None:
    noise, truth, line = Repeats(), Repeats(), rng.normal(size=2000)
    for _ in range(10):
        noise.add(rng.normal(size=2000))
        assert not noise.stands(0.9)
    truth.add(line)
    assert not truth.stands(0.5)
    truth.add(line + 0.3 * rng.normal(size=2000))
    assert truth.stands(0.9)


def test_a_fold_on_another_scale_is_seen() -> None:
    scores = rng.normal(size=400)
    folds = [np.arange(400)[k::4] for k in range(4)]
    assert fold_shift(scores, folds) < 0.2
    scores[folds[2]] += 3
    assert fold_shift(scores, folds) > 0.8
    assert fold_shift(np.ones(400), folds) == 0
    rare = np.ones(400)
    rare[:10] = 2
    assert fold_shift(rare, [np.arange(10), np.arange(10, 400)]) is None
