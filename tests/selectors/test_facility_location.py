"""Facility location by hand, at the extremes, with given samples, on gradients and in every mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.index.gradients import GradientSpace
from prune.index.resource_plan import size_of
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace
from prune.selectors.facility_location import facility_location, plan_of_facility_location

MODES: list[dict[str, Any]] = [{}, {"mode": "sparse"}, {"mode": "partitioned"}, {"greedy": "stochastic"}]
LINE = EmbeddingSpace(np.array([[0], [1], [2], [3], [16]], np.float16))  # mean 4.4, so D is 2 · 11.6


def _space(n: int = 90, d: int = 6, **options: Any) -> EmbeddingSpace:
    points = np.random.default_rng(0).standard_normal((n, d)).astype(np.float32)
    points.flags.writeable = False
    return EmbeddingSpace(points, **options)


def _value(space: EmbeddingSpace, rows: np.ndarray, kind: Any = "cosine") -> float:
    return float(Similarity(space, kind).block(slice(0, space.n), rows).max(1).sum(dtype=np.float64))


def test_takes_the_middle_of_the_crowd_then_the_one_far_off() -> None:
    taken = facility_location(LINE, k=3, seed=0, similarity="euclidean")
    assert taken.rows[:2].tolist() == [2, 4]  # distances to 2: 2, 1, 0, 1, 14
    expected = np.array([5 - 18 / 23.2, 14 / 23.2])
    assert taken.gains[:2] == pytest.approx(expected, rel=1e-6)
    assert taken.facts["mode"] == "dense"


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize("kind", ["cosine", "euclidean", "rbf"])
def test_gains_are_differences_of_f_recomputed_from_the_rows(options: dict[str, Any], kind: Any) -> None:
    space = _space()
    taken = facility_location(space, k=30, seed=1, similarity=kind, neighbours=89, **options)
    values = [0.0] + [_value(space, taken.rows[: k + 1], kind) for k in range(30)]
    assert taken.gains == pytest.approx(np.diff(values), abs=2e-4)
    assert taken.facts["objective"] == pytest.approx(values[-1], abs=1e-3)


def test_given_samples_are_covered_already_and_not_returned() -> None:
    space = _space()
    given = np.array([3, 50, 50, 7])
    for options in MODES:
        taken = facility_location(space, k=87, seed=0, neighbours=89, given=given, **options)
        assert sorted([*taken.rows, 3, 7, 50]) == list(range(90))
        first = _value(space, np.array([3, 7, 50, taken.rows[0]])) - _value(space, np.array([3, 7, 50]))
        assert taken.gains[0] == pytest.approx(first, abs=1e-4)
    most = facility_location(space, k=20, seed=0, mode="partitioned", parts=9, given=np.arange(65))
    assert (most.rows >= 65).all()
    assert len(set(most.rows.tolist())) == 20
    assert (
        facility_location(space, k=9, seed=0, given=np.array([], np.int64)).rows.tolist()
        == facility_location(space, k=9, seed=0).rows.tolist()
    )


@pytest.mark.parametrize("options", MODES)
def test_duplicates_come_last_with_gain_0_in_order(options: dict[str, Any]) -> None:
    three = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    space = EmbeddingSpace(np.repeat(three, [2, 4, 3], axis=0))
    taken = facility_location(space, k=9, seed=0, **options)
    firsts = set(np.array([0, 0, 1, 1, 1, 1, 2, 2, 2])[taken.rows[:3]])
    if options.get("greedy") == "stochastic":
        return
    assert firsts == {0, 1, 2}
    assert (taken.gains[3:] == 0).all()
    assert (np.diff(taken.rows[3:]) > 0).all()


@pytest.mark.parametrize("options", MODES)
@pytest.mark.parametrize("k", [1, 39, 40])
def test_zero_vectors_one_sample_and_all_samples(options: dict[str, Any], k: int) -> None:
    points = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float16)
    points[[0, 9, 30]] = 0
    taken = facility_location(EmbeddingSpace(points), k=k, seed=0, **options)
    assert len(set(taken.rows.tolist())) == k
    assert np.isfinite(taken.gains).all()
    only = facility_location(EmbeddingSpace(points[:1]), k=1, seed=0)
    assert (only.rows.tolist(), only.gains.tolist()) == ([0], [1])


def test_gradients_as_factors_are_the_gradients() -> None:
    rng = np.random.default_rng(2)
    errors, features = (rng.standard_normal((50, d)).astype(np.float32) for d in (4, 6))
    with_bias = np.hstack([features, np.ones((50, 1), np.float32)])
    explicit = EmbeddingSpace(np.einsum("nc,nd->ncd", errors, with_bias).reshape(50, -1))
    one = facility_location(GradientSpace(errors, features), k=20, seed=0, similarity="euclidean")
    two = facility_location(explicit, k=20, seed=0, similarity="euclidean")
    assert one.rows.tolist() == two.rows.tolist()
    assert one.gains == pytest.approx(two.gains, abs=1e-5)


def test_what_is_announced_is_what_happens() -> None:
    for memory, options in ((2**30, {}), (2**22, {}), (2**21, {}), (2**30, {"mode": "partitioned"})):
        space = _space(400, 5, memory=memory)
        plan = plan_of_facility_location(size_of(space), 40, {"neighbours": 8, **options})
        assert facility_location(space, k=40, seed=0, neighbours=8, **options).facts["mode"] == plan.mode
    modes = [
        plan_of_facility_location(size_of(_space(400, 5, memory=m)), 9, {"neighbours": 8}).mode
        for m in (2**30, 2**22, 2**21)
    ]
    assert modes == ["dense", "sparse", "partitioned"]


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot keep 88 of 87 samples"):
        facility_location(_space(), k=88, seed=0, given=np.array([1, 2, 3]))
    with pytest.raises(ValueError, match=r"given positions span \[0, 90\], but there are 90 samples"):
        facility_location(_space(), k=1, seed=0, given=np.array([0, 90]))
    with pytest.raises(OptionError, match=r"epsilon=0.9 is not in \(0, 0.5\]"):
        facility_location(_space(), k=5, seed=0, greedy="stochastic", epsilon=0.9)
    with pytest.raises(OptionError, match="parts of 45 samples do not fit in memory"):
        facility_location(_space(memory=1000), k=5, seed=0, parts=2, mode="partitioned")
    with pytest.raises(OptionError, match="mode=dense needs"):
        facility_location(_space(memory=1000), k=5, seed=0, mode="dense")
