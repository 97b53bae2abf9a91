"""ZCore by hand, against a loop that looks at every sample in every draw, and for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.random_view_kernels import ONE, ViewRule
from prune.index.random_views import ViewDraws, _triangular, coverage
from prune.index.space import EmbeddingSpace
from prune.selectors.zcore import zcore


def _slow(rows: np.ndarray, draws: ViewDraws, redundant: int, exponent: int) -> np.ndarray:
    n = len(rows)
    points = _triangular(np.ascontiguousarray(rows.T), draws.dimensions, draws.quantiles)
    totals = np.zeros(n)
    for dimensions, point in zip(draws.dimensions, points, strict=True):
        view = rows[:, dimensions].astype(np.float64)
        winner = int(np.argmin(np.abs(view - point).sum(axis=1)))
        totals[winner] += 1
        gaps = np.abs(view - view[winner]).sum(axis=1)
        others = np.delete(np.arange(n), winner)
        count = min(redundant, n - 1)
        if not count:
            continue
        near = others[gaps[others] <= np.sort(gaps[others])[count - 1]]
        same = near[gaps[near] == 0]
        if len(same):
            totals[same] -= 1 / len(same)
        else:
            loss = (gaps[near] / gaps[near].min()) ** -float(exponent)
            totals[near] -= loss / loss.sum()
    return totals


@pytest.mark.parametrize("kind", ["plain", "ties", "skewed"])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_visiting_cells_finds_what_visiting_all_finds(kind: str, m: int) -> None:
    rng = np.random.default_rng(0)
    rows = {
        "plain": rng.standard_normal((400, 6)),
        "ties": rng.integers(0, 4, (400, 6)),
        "skewed": np.exp(3 * rng.standard_normal((400, 6))) * (rng.random((400, 6)) < 0.6),
    }[kind].astype(np.float16)
    draws = ViewDraws.of(300, m, 6, 1)
    found = coverage(EmbeddingSpace(rows), draws, ViewRule(30, 4)) / ONE
    assert np.abs(found - _slow(rows.astype(np.float32), draws, 30, 4)).max() < 1e-6


def test_little_memory_takes_the_columns_in_groups() -> None:
    rows = np.random.default_rng(2).standard_normal((500, 9)).astype(np.float32)
    draws = ViewDraws.of(400, 2, 9, 3)
    whole, parts = (
        coverage(EmbeddingSpace(rows, memory=memory), draws, ViewRule(20, 4))
        for memory in (10**7, 8 * 500 * 4)
    )
    assert np.array_equal(whole, parts)


def test_a_draw_is_distinct_dimensions_and_more_draws_go_on() -> None:
    few, many = ViewDraws.of(50, 3, 4, 5), ViewDraws.of(500, 3, 4, 5)
    assert np.array_equal(few.dimensions, many.dimensions[:50])
    assert all(len(set(draw)) == 3 for draw in many.dimensions.tolist())
    assert np.bincount(many.dimensions.ravel(), minlength=4).min() > 300


def test_points_follow_the_triangular_distribution() -> None:
    column = np.array([[0, 1, 4]], np.float32)
    quantiles = np.array([[0.0], [0.25], [0.0625], [0.9999999], [12 / 16]])
    found = _triangular(column, np.zeros((5, 1), np.int64), quantiles)[:, 0]
    expected = [0, 1, np.sqrt(0.0625 * 4), 4, 4 - np.sqrt(0.25 * 12)]
    assert found == pytest.approx(expected, abs=2e-3)


def test_lone_samples_come_before_copies() -> None:
    rng = np.random.default_rng(4)
    rows = np.concatenate(
        [np.repeat(rng.standard_normal((1, 8)), 200, axis=0), rng.standard_normal((100, 8))]
    )
    taken = zcore(EmbeddingSpace(rows.astype(np.float32)), k=80, seed=0)
    assert (taken.rows >= 200).sum() >= 79  # of the copies, only the one that stands for all
    assert set(taken.rows[taken.rows < 200].tolist()) <= {0}
    assert taken.gains[0] == 1
    assert (np.diff(taken.gains) <= 0).all()


def test_the_same_for_any_threads_and_another_for_another_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = EmbeddingSpace(np.random.default_rng(5).standard_normal((3000, 12)).astype(np.float16))
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(zcore(space, k=300, seed=7, draws=5000))
    assert np.array_equal(found[0].rows, found[1].rows)
    assert np.array_equal(found[0].gains, found[1].gains)
    assert not np.array_equal(found[0].rows, zcore(space, k=300, seed=8, draws=5000).rows)


def test_one_sample_constant_columns_and_no_neighbours() -> None:
    assert zcore(EmbeddingSpace(np.ones((1, 2), np.float32)), k=1, seed=0).rows.tolist() == [0]
    same = zcore(EmbeddingSpace(np.zeros((9, 2), np.float32)), k=9, seed=0, redundant=0, exponent=0)
    assert sorted(same.rows.tolist()) == list(range(9))
    assert np.isfinite(same.gains).all()
    rest = zcore(EmbeddingSpace(np.zeros((9, 1), np.float32)), k=2, seed=0, given=np.arange(7))
    assert sorted(rest.rows.tolist()) == [7, 8]


def test_what_makes_no_sense_is_refused() -> None:
    space = EmbeddingSpace(np.ones((5, 2), np.float32))
    for options in ({"draws": 0}, {"dimensions": 0}, {"redundant": -1}, {"exponent": -1}):
        name, value = next(iter(options.items()))
        with pytest.raises(OptionError, match=f"{name}={value} is not at least"):
            zcore(space, k=1, seed=0, **options)
    with pytest.raises(ValueError, match="cannot keep 5 of 4 samples"):
        zcore(space, k=5, seed=0, given=np.array([1]))
    with pytest.raises(ValueError, match=r"given positions span \[5, 5\]"):
        zcore(space, k=1, seed=0, given=np.array([5]))
