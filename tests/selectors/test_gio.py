"""GIO against the published estimator, its collapse, its stopping rules, and the variant that covers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import prune
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import Selection
from prune.index.gradients import SKETCH, GradientSpace
from prune.index.resource_plan import Size, size_of
from prune.index.space import EmbeddingSpace, Space
from prune.optimizers.covering import NearestDistances, cover
from prune.selectors.gio import gio as gio_of
from prune.selectors.gio import plan_of_gio


def gio(space: Space, **options: Any) -> Selection:
    """Choose by names of our own."""
    return gio_of(space, [str(row) for row in range(space.n)], **options)


def _normal(n: int, d: int, seed: int, at: float = 0.0) -> np.ndarray:
    return (at + np.random.default_rng(seed).standard_normal((n, d))).astype(np.float32)


def _distances(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return np.maximum(cdist(one.astype(np.float64), two.astype(np.float64)), 1e-5)


def _published(x: np.ndarray, w: np.ndarray, k: int, weights: np.ndarray | None = None) -> float:
    """The nearest-neighbour estimate, with every order l of the neighbour in W in turn, and their mean."""
    n, m, d = len(x), len(w), x.shape[1]
    to_w = np.sort(_distances(x, w), axis=1)
    rho = np.sort(_distances(x, x) + np.diag(np.full(n, np.inf)), axis=1)[:, k - 1]
    estimates = [
        d * np.average(np.log(to_w[:, order - 1] / rho), weights=weights) + np.log(k * m / (order * (n - 1)))
        for order in range(1, m + 1)
    ]
    return float(np.mean(estimates))


def _covered(x: np.ndarray, w: np.ndarray, weights: np.ndarray | None = None) -> float:
    rho = np.sort(_distances(x, x) + np.diag(np.full(len(x), np.inf)), axis=1)[:, 0]
    nu = _distances(x, w).min(axis=1)
    return x.shape[1] * np.average(np.log(nu / rho), weights=weights) + np.log(len(w) / (len(x) - 1))


def _spread(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float64).std(axis=0)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_closed_form_is_the_published_estimate_at_every_size(weighted: bool) -> None:
    target, pool = _normal(40, 6, 0), _normal(70, 6, 1, at=0.3)
    pool[5] = target[3]
    weights = np.random.default_rng(2).random(40) if weighted else None
    taken = gio(
        EmbeddingSpace(pool),
        k=30,
        seed=0,
        target=EmbeddingSpace(target),
        target_weights=weights,
        neighbours=3,
    )
    for size in (1, 2, 30):
        expected = _published(target, pool[taken.rows[:size]], 3, weights)
        found = gio(
            EmbeddingSpace(pool),
            k=size,
            seed=0,
            target=EmbeddingSpace(target),
            target_weights=weights,
            neighbours=3,
        )
        assert found.facts["kl"] == pytest.approx(expected, abs=1e-10)
        assert -taken.gains[:size].sum(dtype=np.float64) == pytest.approx(expected, rel=1e-5)


def test_each_pick_is_the_best_of_all_by_brute_force() -> None:
    target, pool = _normal(12, 2, 3), _normal(15, 2, 4)
    taken = gio(EmbeddingSpace(pool), k=5, seed=0, target=EmbeddingSpace(target), neighbours=2).rows.tolist()
    for step in range(5):
        left = [row for row in range(15) if row not in taken[:step]]
        values = [_published(target, pool[[*taken[:step], row]], 2) for row in left]
        assert taken[step] == left[int(np.argmin(values))]


def test_the_exact_objective_collapses_and_coverage_does_not() -> None:
    target, pool = _normal(400, 2, 100), _normal(400, 2, 101)
    spaces = {"space": EmbeddingSpace(pool), "target": EmbeddingSpace(target)}
    space = spaces.pop("space")
    modular, covering = (gio(space, k=50, seed=0, coverage=coverage, **spaces) for coverage in (False, True))
    assert modular.facts["std_ratio"] < 0.5
    assert np.abs(_spread(pool[covering.rows]) / _spread(target) - 1).max() < 0.1
    assert covering.facts["std_ratio"] == pytest.approx(1, abs=0.1)
    copies = np.repeat(pool[modular.rows[:1]], 100, axis=0)
    assert _published(target, copies, 5) < _published(target, target, 5)


@pytest.mark.parametrize("weighted", [False, True])
def test_coverage_takes_what_lowers_the_divergence_most_and_says_by_how_much(weighted: bool) -> None:
    target, pool = _normal(30, 3, 5), _normal(25, 3, 6)
    pool[20] = pool[4]
    weights = np.random.default_rng(7).random(30) if weighted else None
    given = np.array([3, 9])
    found = gio(
        EmbeddingSpace(pool),
        k=8,
        seed=0,
        coverage=True,
        given=given,
        target=EmbeddingSpace(target),
        target_weights=weights,
    )
    chosen = given.tolist()
    for row, gain in zip(found.rows.tolist(), found.gains, strict=True):
        before = _covered(target, pool[chosen], weights)
        after = {j: _covered(target, pool[[*chosen, j]], weights) for j in range(25) if j not in chosen}
        assert after[row] == pytest.approx(min(after.values()), abs=1e-5)
        assert gain == pytest.approx(before - after[row], abs=1e-5)
        chosen.append(row)
    assert 20 not in chosen or 4 in chosen
    assert found.facts["kl"] == pytest.approx(_covered(target, pool[chosen], weights), abs=1e-5)


def test_lists_of_all_samples_choose_what_all_distances_choose() -> None:
    target, pool = _normal(60, 4, 8), _normal(90, 4, 9)
    small = EmbeddingSpace(pool, memory=40_000)
    assert plan_of_gio_mode(small, 60) == "sparse"
    one = gio(EmbeddingSpace(pool), k=40, seed=0, coverage=True, target=EmbeddingSpace(target))
    two = gio(small, k=40, seed=0, coverage=True, target=EmbeddingSpace(target))
    assert (one.facts["mode"], two.facts["mode"]) == ("dense", "sparse")
    assert two.facts["kl"] == pytest.approx(one.facts["kl"], abs=0.1)
    assert np.abs(_spread(pool[two.rows]) / _spread(pool[one.rows]) - 1).max() < 0.1


def test_lists_do_not_depend_on_the_budget_so_that_smaller_ones_are_prefixes() -> None:
    space = EmbeddingSpace(_normal(2000, 4, 23), memory=400_000)
    target = EmbeddingSpace(_normal(40, 4, 24))
    large = gio(space, k=800, seed=0, coverage=True, target=target)
    assert large.facts["mode"] == "sparse"
    assert "nested" not in large.facts
    for k in (10, 80, 799):
        small = gio(space, k=k, seed=0, coverage=True, target=target)
        assert small.facts["listed"] == large.facts["listed"]
        assert np.array_equal(small.rows, large.rows[:k])


@pytest.mark.parametrize("rule", ["increase", "min_difference", "data_size"])
def test_rules_that_only_go_forward_are_prefixes(rule: str) -> None:
    space, target = EmbeddingSpace(_normal(300, 5, 13)), EmbeddingSpace(_normal(100, 5, 14))
    whole = gio(space, k=300, seed=1, stop=rule, target=target)
    assert "nested" not in whole.facts
    for k in (1, 20, 70):
        assert np.array_equal(gio(space, k=k, seed=1, stop=rule, target=target).rows, whole.rows[:k])


@pytest.mark.parametrize("rule", ["min_kl", "max_resets", "sequential_increase_tolerance"])
def test_rules_that_go_back_say_that_they_are_not_nested(rule: str) -> None:
    space, target = EmbeddingSpace(_normal(100, 2, 10)), EmbeddingSpace(_normal(60, 2, 12))
    assert gio(space, k=50, seed=0, stop=rule, target=target).facts["nested"] is False


def test_what_is_announced_is_what_is_done() -> None:
    size = Size(n=1_000_000, width=1512, memory=8 << 30, gradients=True)
    sketch = 4 * SKETCH * size.n
    assert plan_of_gio(size, 1000, {"quantise": 1000}).bytes > sketch
    assert plan_of_gio(size, 1000, {}).bytes < sketch / 4
    both = replace(size, target=500_000)
    assert plan_of_gio(both, 1000, {"quantise": 1000}).bytes > 1.5 * sketch
    itself = plan_of_gio(replace(size, gradients=False), None, {"coverage": True})
    assert itself.mode == "sparse"
    assert "32 nearest" in itself.why
    assert "ivf search" in itself.why
    assert itself.work < 2.0 * size.n**2 * size.width / 10
    space = EmbeddingSpace(_normal(1500, 4, 25), memory=2**21)
    for k in (None, 300):
        plan = plan_of_gio(size_of(space), k, {"coverage": True})
        found = gio(space, k=k, seed=0, coverage=True)
        assert found.facts["mode"] == plan.mode == "sparse"
        assert f"the {found.facts['listed']} nearest" in plan.why


def plan_of_gio_mode(space: EmbeddingSpace, target: int) -> str:
    return plan_of_gio(size_of(space, target=target), 10, {"coverage": True}).mode


def test_layers_go_on_when_the_target_is_covered() -> None:
    target = np.array([[0.0], [10.0]], np.float32)
    pool = np.array([[50], [0.1], [10.1], [0.3], [10.4], [60]], np.float32)
    found = gio(EmbeddingSpace(pool), k=6, seed=0, coverage=True, target=EmbeddingSpace(target))
    assert set(found.rows[:2].tolist()) == {1, 2}
    assert set(found.rows[2:4].tolist()) == {3, 4}
    assert found.facts["layers"] >= 2
    assert found.gains[4] == pytest.approx(-np.log(5 / 4), rel=1e-4)


def test_a_far_pool_stops_every_rule_at_once() -> None:
    near, far = _normal(50, 2, 10), _normal(80, 2, 11, at=40)
    space = EmbeddingSpace(np.concatenate([near, far]))
    given = np.arange(50)
    for stop, allowed in (
        ("increase", 1),
        ("min_difference", 1),
        ("sequential_increase_tolerance", 1),
        ("max_resets", 1),
    ):
        found = gio(space, k=None, seed=0, stop=stop, given=given, target=EmbeddingSpace(_normal(60, 2, 12)))
        assert len(found) == allowed
        assert found.facts["stop"] == f"{stop}, at once: one is kept all the same"


def test_without_a_budget_the_rule_decides() -> None:
    space, target = EmbeddingSpace(_normal(300, 5, 13)), EmbeddingSpace(_normal(100, 5, 14))
    found = gio(space, k=None, seed=1, target=target)
    longer = gio(space, k=300, seed=1, stop="increase", target=target)
    assert 1 < len(found) < 300
    assert found.facts["stop"] == "increase"
    assert np.array_equal(found.rows, longer.rows)
    assert (found.gains[1:] >= 0).all()
    assert len(gio(space, k=None, seed=1, stop="data_size", data_size=0.1, target=target)) == 30
    assert len(gio(space, k=None, seed=1, stop="data_size", data_size=1.0, coverage=True)) == 300
    level = float(found.facts["kl"]) + 0.5
    reached = gio(space, k=None, seed=1, stop="min_kl", min_kl=level, target=target)
    assert reached.facts["kl"] <= level < reached.facts["kl"] + reached.gains[-1]
    covering = gio(space, k=None, seed=1, coverage=True, target=target)
    assert covering.facts["kl"] == covering.facts["kl_lowest"]


def test_the_pool_as_its_own_target_leaves_out_pairs_of_a_sample_with_itself() -> None:
    pool = _normal(50, 3, 15)
    logs = np.log(_distances(pool, pool) + np.eye(50) * (1 - 1e-5))
    found = gio(EmbeddingSpace(pool), k=50, seed=0)
    assert np.array_equal(found.rows, np.argsort(logs.sum(0) / 49, kind="stable"))
    assert found.facts["floored"] == 0
    assert found.facts["target"] == "the pool itself"


def test_gradients_have_the_distances_of_their_products() -> None:
    rng = np.random.default_rng(16)
    errors, features = (rng.standard_normal((90, w)).astype(np.float32) for w in (3, 4))
    product = np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(90)]).reshape(90, -1)
    for coverage in (False, True):
        one = gio(GradientSpace(errors, features), k=20, seed=0, coverage=coverage)
        two = gio(EmbeddingSpace(product.astype(np.float32)), k=20, seed=0, coverage=coverage)
        assert np.array_equal(one.rows, two.rows)
        assert one.facts["kl"] == pytest.approx(two.facts["kl"], abs=1e-4)


def test_a_quantised_target_is_weighted_by_its_clusters() -> None:
    target = np.repeat(np.array([[0, 0], [9, 0], [0, 9]], np.float32), [60, 30, 10], axis=0)
    pool = np.concatenate([_normal(40, 2, 17), _normal(40, 2, 18, at=5)])
    space = EmbeddingSpace(pool)
    whole = gio(space, k=20, seed=0, target=EmbeddingSpace(target))
    small = gio(space, k=20, seed=0, target=EmbeddingSpace(target), quantise=60)
    assert small.facts["target"] == "3 points"
    assert np.array_equal(whole.rows, small.rows)


def test_large_blocks_agree_with_float64_and_for_any_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target, pool = _normal(2100, 40, 19, at=3), _normal(1100, 40, 20, at=3)
    pool[7] = target[11]
    pool[8] = target[11] + 1e-3
    phi = np.log(_distances(target, pool)).mean(axis=0)
    runs: list[Selection] = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        runs.append(gio(EmbeddingSpace(pool), k=1100, seed=0, target=EmbeddingSpace(target)))
    one, two = runs
    assert np.array_equal(one.gains, two.gains)
    assert np.array_equal(one.rows, two.rows)
    assert np.abs(phi[one.rows] - np.sort(phi)).max() < 1e-6
    assert one.facts["floored"] == 1


def test_samples_that_are_all_one_point_and_single_samples_have_numbers() -> None:
    ones = EmbeddingSpace(np.ones((6, 2), np.float16))
    for coverage in (False, True):
        found = gio(ones, k=6, seed=0, coverage=coverage)
        assert np.array_equal(np.sort(found.rows), np.arange(6))
        assert np.isfinite(found.gains).all()
        assert found.facts["std_ratio"] is None
        assert gio(EmbeddingSpace(np.zeros((1, 3), np.float32)), k=1, seed=0, coverage=coverage).rows == [0]
        lone = gio(ones, k=2, seed=0, coverage=coverage, target=EmbeddingSpace(np.zeros((1, 2), np.float32)))
        assert lone.rows.tolist() == [0, 1]


def test_what_makes_no_sense_is_refused() -> None:
    space = EmbeddingSpace(_normal(20, 3, 21))
    with pytest.raises(OptionError, match="target has 4 numbers a sample, and the pool 3"):
        gio(space, k=1, seed=0, target=EmbeddingSpace(_normal(5, 4, 22)))
    for options, message in (
        ({"neighbours": 0}, "neighbours=0"),
        ({"quantise": -1}, "quantise=-1"),
        ({"tolerance": 0}, "tolerance=0"),
        ({"resets": -1}, "resets=-1"),
        ({"data_size": 0.0}, "data_size=0.0"),
        ({"min_kl": np.nan}, "min_kl=nan"),
    ):
        with pytest.raises(OptionError, match=message):
            gio(space, k=1, seed=0, **options)
    with pytest.raises(OptionError, match=r"the weights of 20 target samples span \[0, 0\]"):
        gio(space, k=1, seed=0, target_weights=np.zeros(20))
    with pytest.raises(OptionError, match=r"the weights of 20 target samples span \[-1, 18\]"):
        gio(space, k=1, seed=0, target_weights=np.arange(20.0) - 1)
    with pytest.raises(OptionError, match=r"the target has 20 samples, and its weights the shape \(3,\)"):
        gio(space, k=1, seed=0, target_weights=np.ones(3))
    with pytest.raises(ValueError, match="cannot keep 19 of 18 samples"):
        gio(space, k=19, seed=0, given=np.array([0, 1]))


def test_samples_that_are_near_to_no_target_follow_by_lot() -> None:
    listed = NearestDistances(
        np.array([[7], [3]]), np.zeros((2, 1), np.int32), 12
    )  # each of two targets lists one sample
    last = np.argsort(lots([str(row) for row in range(12)], "0"), kind="stable")
    found = cover(listed, np.ones(2, np.int64), 12, np.empty(0, np.int64), last, again=True)
    assert sorted(found.rows[:2]) == [3, 7]
    assert found.rows[2:] == [row for row in last.tolist() if row not in {3, 7}]
    assert found.filled == 10


def test_the_curve_says_the_divergence_at_every_size_or_at_two_hundred() -> None:
    rng = np.random.default_rng(5)
    pool, target = (rng.standard_normal((n, 4)).astype(np.float32) for n in (600, 40))
    few = prune.select_rows(pool[:30], target=target, method="gio", k=30, coverage=True).facts
    assert few["kl_curve"]["kept"] == list(range(1, 31))
    assert few["kl_curve"]["kl"][-1] == few["kl"]
    assert min(few["kl_curve"]["kl"]) == few["kl_lowest"]
    many = prune.select_rows(pool, target=target, method="gio", k=600).facts["kl_curve"]
    assert len(many["kept"]) == len(many["kl"]) == 200
    assert (many["kept"][0], many["kept"][-1]) == (1, 600)
    labels = np.arange(600) % 2
    assert (
        "kl_curve"
        not in prune.select_rows(pool, target=target, method="gio", k=20, labels=labels, quota="equal").facts
    )
