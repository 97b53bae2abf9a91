"""Gradient matching: weights that sum up to the whole, at any scale, for any budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.gradients import GradientSpace, errors_of
from prune.index.resource_plan import Size
from prune.index.space import EmbeddingSpace, Space
from prune.selectors.gradmatch import gradmatch as gradmatch_of
from prune.selectors.gradmatch import plan_of_gradmatch


def gradmatch(space: Space, **options: Any) -> Selection:
    """Choose by names of our own."""
    return gradmatch_of(space, [str(row) for row in range(space.n)], seed=0, **options)


def _factors(n: int, c: int = 5, d: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middle = rng.standard_normal((c, d))
    labels = rng.integers(0, c, n)
    features = np.maximum(middle[labels] + rng.standard_normal((n, d)), 0).astype(np.float32)
    logits = 2 * features @ middle.T / np.sqrt(d) + rng.standard_normal((n, c))
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return errors_of(probs.astype(np.float32), labels), features


def _long(space: GradientSpace) -> np.ndarray:
    errors, features = (part.astype(np.float64) for part in space.factors(slice(0, space.n)))
    return np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(space.n)]).reshape(space.n, -1)


def _left(long: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> float:
    goal = long.sum(0)
    return float(np.linalg.norm(goal - weights.astype(np.float64) @ long[rows]) / np.linalg.norm(goal))


def test_one_in_ten_sums_up_to_all_where_random_is_far_off() -> None:
    space = GradientSpace(*_factors(1000))
    long = _long(space)
    found = gradmatch(space, k=100)
    random = np.random.default_rng(0).permutation(1000)[:100]
    assert _left(long, found.rows, found.weights) < 0.05
    assert _left(long, random, np.full(100, 10.0)) > 0.2
    assert found.facts["residual"] == pytest.approx(_left(long, found.rows, found.weights), abs=1e-5)


@pytest.mark.parametrize("k", [1, 2, 60, 299, 300])
@pytest.mark.parametrize("lam", [0.0, 0.01, 1.0])
def test_every_budget_is_kept_with_positive_weights_and_the_residual_it_says(k: int, lam: float) -> None:
    space = GradientSpace(*_factors(300, c=3, d=4))  # 15 dimensions: most of the budget is filled
    found = gradmatch(space, k=k, lam=lam)
    assert len(set(found.rows.tolist())) == k
    assert (found.weights > 0).all()
    assert (found.gains >= 0).all()
    assert found.facts["residual"] == pytest.approx(_left(_long(space), found.rows, found.weights), abs=1e-5)
    assert found.facts["pursued"] + found.facts["filled"] == k


def test_filling_is_said_and_hurts_nothing() -> None:
    space = GradientSpace(*_factors(300, c=3, d=4))
    found = gradmatch(space, k=200)
    pursued = found.facts["pursued"]
    assert found.facts["stop"] in {"tolerance", "exhausted"}
    assert 0 < found.facts["filled"] == 200 - pursued
    assert found.facts["rule"] == "largest inner product with the sum to match"
    assert found.facts["residual"] <= max(1e-4, np.sqrt(max(1 - found.gains.sum(dtype=np.float64), 0))) + 1e-6
    assert not found.gains[pursued:].any()
    alignment = space.dot(space.sum())[found.rows[pursued:]]
    assert (np.diff(alignment) <= 1e-3).all()
    assert len(set(found.weights[pursued:].tolist())) == 1


def test_all_samples_weigh_one_each() -> None:
    found = gradmatch(GradientSpace(*_factors(300, c=3, d=4)), k=300)
    assert found.weights == pytest.approx(np.ones(300))


def test_smaller_budgets_are_prefixes_and_their_residuals_never_rise() -> None:
    space = GradientSpace(*_factors(200, c=3, d=6))
    whole = gradmatch(space, k=200, lam=0.1).rows
    before = 1.0
    for k in range(1, 60):
        found = gradmatch(space, k=k, lam=0.1)
        assert found.rows.tolist() == whole[:k].tolist()
        assert found.facts["residual"] <= max(before + 1e-7, 1e-4)
        before = found.facts["residual"]


@pytest.mark.parametrize("scale", [2.0**-20, 1024.0])
def test_the_unit_of_the_loss_does_not_matter(scale: float) -> None:
    errors, features = _factors(200)
    one = gradmatch(GradientSpace(errors, features), k=50)
    two = gradmatch(GradientSpace(errors * np.float32(scale), features), k=50)
    assert one.rows.tolist() == two.rows.tolist()
    assert one.weights == pytest.approx(two.weights, rel=1e-6)
    assert one.gains == pytest.approx(two.gains, rel=1e-6)


@pytest.mark.parametrize(("n", "c", "d", "k"), [(300, 3, 4, 10), (1500, 5, 32, 120)])
@pytest.mark.parametrize("lam", [0.01, 0.1])
def test_weights_are_the_optimum_of_what_is_documented(n: int, c: int, d: int, k: int, lam: float) -> None:
    space = GradientSpace(*_factors(n, c=c, d=d))
    long = _long(space)
    found = gradmatch(space, k=k, lam=lam)
    assert found.facts["filled"] == 0
    assert found.facts["lam_at_the_end"] <= lam == found.facts["lam"]
    weights, chosen, goal = found.weights.astype(np.float64), long[found.rows], long.sum(0)
    ridge = found.facts["lam_at_the_end"] * float((long**2).sum(1).mean())
    slopes = chosen @ (goal - weights @ chosen) - ridge * weights
    largest = float(np.abs(long @ goal).max())
    idle = weights <= 1e-6
    assert idle.sum() == found.facts["idle"]
    assert np.abs(slopes[~idle]).max() < 1e-6 * largest
    assert slopes[idle].max(initial=-1.0) < 1e-6 * largest
    assert found.facts["residual"] == pytest.approx(_left(long, found.rows, found.weights), abs=1e-6)


def test_given_samples_are_in_the_sum_and_the_others_make_up_the_rest() -> None:
    axes = EmbeddingSpace(np.repeat(np.eye(4, dtype=np.float32), [8, 4, 2, 1], axis=0))
    found = gradmatch(axes, k=2, lam=0.0, given=np.array([0, 8]))
    assert found.rows.tolist() == [12, 14]
    assert found.weights == pytest.approx([2, 1])
    assert found.facts["residual"] == pytest.approx(0, abs=1e-6)
    assert found.gains == pytest.approx(np.array([4, 1]) / 85)  # of 64 + 16 + 4 + 1
    space = GradientSpace(*_factors(300))
    first = gradmatch(space, k=20)
    more = gradmatch(space, k=20, given=first.rows)
    assert not np.isin(more.rows, first.rows).any()
    assert more.facts["residual"] < first.facts["residual"]
    with pytest.raises(ValueError, match="cannot keep 281 of 280 samples"):
        gradmatch(space, k=281, given=first.rows)


def test_zero_gradients_and_one_point_are_kept_with_weights_that_sum_up() -> None:
    nothing = gradmatch(EmbeddingSpace(np.zeros((20, 3), np.float16)), k=5)
    drawn = np.argsort(lots([str(row) for row in range(20)], "0"))
    assert nothing.rows.tolist() == drawn[:5].tolist()
    assert (nothing.facts["residual"], nothing.facts["filled"]) == (0.0, 5)
    point = gradmatch(EmbeddingSpace(np.ones((20, 3), np.float16)), k=4, lam=0.0)
    assert point.weights.sum() == pytest.approx(20, rel=1e-3)
    assert point.rows[0] == 0
    assert point.rows[1:].tolist() == [row for row in drawn if row][:3]


def test_a_target_is_matched_scaled_to_all_samples_and_by_its_weights() -> None:
    rows = np.eye(4, dtype=np.float32)
    target = EmbeddingSpace(np.array([[0, 0, 3, 1], [9, 9, 9, 9]], np.float32))
    found = gradmatch(EmbeddingSpace(rows), k=2, lam=0.0, target=target, target_weights=np.array([0.5, 0.0]))
    assert found.rows.tolist() == [2, 3]
    assert found.weights == pytest.approx([12, 4])
    assert found.facts["residual"] == pytest.approx(0, abs=1e-6)


def test_groups_come_whole_and_the_last_is_cut() -> None:
    space = GradientSpace(*_factors(205))
    found = gradmatch(space, k=33, batch=10)
    groups = found.rows[::10] // 10
    assert [row // 10 for row in found.rows.tolist()] == np.repeat(groups, 10)[:33].tolist()
    assert len(found.rows) == 33
    assert found.rows[-3:].tolist() == (groups[-1] * 10 + np.arange(3)).tolist()
    assert len(gradmatch(space, k=205, batch=10).rows) == 205


@pytest.mark.parametrize("batch", [1, 10])
def test_of_gradients_that_are_all_0_any_are_taken_alike(batch: int) -> None:
    """As those of a model that fits every sample."""
    space = GradientSpace(np.zeros((60, 3), np.float32), np.ones((60, 4), np.float32))
    found = gradmatch(space, k=25, batch=batch)
    assert len(np.unique(found.rows)) == 25
    assert (found.weights == found.weights[0]).all()
    assert found.facts["pursued"] == 0


def test_without_memory_for_the_products_it_takes_the_same() -> None:
    errors, features = _factors(2400, d=16)
    dense = gradmatch(GradientSpace(errors, features), k=40)
    direct = gradmatch(GradientSpace(errors, features, memory=80 << 20), k=40)
    assert (dense.facts["mode"], direct.facts["mode"]) == ("dense", "direct")
    assert dense.rows.tolist() == direct.rows.tolist()
    assert dense.weights == pytest.approx(direct.weights, rel=1e-3)


def test_the_plan_keeps_to_half_of_the_memory_or_goes_without_products() -> None:
    like = Size(n=1300, width=1512, memory=8 << 30, gradients=True)
    assert plan_of_gradmatch(like, 130, {}).mode == "dense"
    large = plan_of_gradmatch(Size(n=1_280_000, width=1512, memory=8 << 30, gradients=True), 1000, {})
    assert large.mode == "direct"
    assert large.bytes < 1 << 30


def test_what_makes_no_sense_is_refused() -> None:
    space = GradientSpace(*_factors(20))
    with pytest.raises(ValueError, match="cannot keep 21 of 20 samples"):
        gradmatch(space, k=21)
    with pytest.raises(OptionError, match=r"lam=-1 is not a finite number of at least 0"):
        gradmatch(space, k=2, lam=-1)
    with pytest.raises(OptionError, match=r"tolerance=1 is not in \[0, 1\)"):
        gradmatch(space, k=2, tolerance=1)
    with pytest.raises(OptionError, match=r"batch=0 is not a number of samples"):
        gradmatch(space, k=2, batch=0)
    with pytest.raises(OptionError, match="the target has 6 numbers a sample, where the samples have 37"):
        gradmatch(space, k=2, target=EmbeddingSpace(np.ones((3, 6), np.float32)))
    for weights, span in ((np.zeros(20), r"\[0, 0\]"), (np.arange(20) - 1.0, r"\[-1, 18\]")):
        with pytest.raises(OptionError, match=f"the weights of 20 target samples span {span}"):
            gradmatch(space, k=2, target=space, target_weights=weights)
    with pytest.raises(
        OptionError, match="batch=5 keeps whole groups, which the 2 given samples would split"
    ):
        gradmatch(space, k=2, batch=5, given=np.array([3, 4]))
    short = GradientSpace(*_factors(20000, d=4), memory=64 << 20)
    with pytest.raises(OptionError, match="gradmatch of 20000 samples needs .* GB, but may use 67.1 MB"):
        gradmatch(short, k=20000)
