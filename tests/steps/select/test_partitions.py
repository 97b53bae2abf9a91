"""Chosen in partitions, and then among what they kept: nearly as good as at once, whatever the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import prune
from prune.core.errors import OptionError
from prune.core.selection import Selection
from prune.index.similarity import Similarity
from prune.index.space import EmbeddingSpace
from prune.optimizers.reweight import residual
from prune.selectors import SELECTORS
from prune.steps.select import partition_rounds
from prune.steps.select.partitions import Partitions

N, D, K = 1200, 8, 60
RNG = np.random.default_rng(0)
POINTS = (2 * RNG.standard_normal((40, D))[RNG.integers(0, 40, N)] + RNG.standard_normal((N, D))).astype(
    np.float32
)
METHODS = ("kcenter", "facility_location", "graph_cut", "craig", "gradmatch")
NO_QUOTA: dict[str, Any] = {"quota": "none"}


def _value(method: str, chosen: Selection) -> float:
    """What the method makes large, from the rows alone."""
    space, rows = EmbeddingSpace(POINTS), chosen.rows
    if method == "gradmatch":
        return 1 - residual(space, rows, chosen.weights)
    if method == "kcenter":
        gaps = ((POINTS[:, None] - POINTS[rows][None]) ** 2).sum(2)
        return -float(np.sqrt(gaps.min(1)).max())
    alike = Similarity(space, "euclidean" if method == "craig" else "cosine").wide(slice(0, N), slice(0, N))
    if method == "graph_cut":
        inside = alike[np.ix_(rows, rows)]
        return float(2 * alike[:, rows].sum() - (inside.sum() - np.trace(inside)))
    return float(alike[:, rows].max(1).sum())


@pytest.mark.parametrize("count", [3, 7])
@pytest.mark.parametrize("method", METHODS)
def test_the_objective_is_nearly_that_of_one_machine(method: str, count: int) -> None:
    whole = prune.select_rows(POINTS, method=method, k=K, **NO_QUOTA)
    parts = prune.select_rows(POINTS, method=method, k=K, partitions=count, **NO_QUOTA)
    assert len(np.unique(parts.rows)) == K
    drawn = [
        Selection.of(np.random.default_rng(seed).choice(N, K, replace=False), weights=np.full(K, N / K))
        for seed in range(5)
    ]
    best, found = _value(method, whole), _value(method, parts)
    chance = max(_value(method, one) for one in drawn)
    assert found >= (best / 0.98 if method == "kcenter" else 0.98 * best)  # a radius is low
    assert found - chance > 0.8 * (best - chance)


@pytest.mark.parametrize("method", METHODS)
def test_what_was_done_is_said(method: str) -> None:
    chosen = prune.select_rows(POINTS, method=method, k=K, partitions=3, **NO_QUOTA)
    many = prune.select_rows(POINTS, method=method, k=K, partitions=100, **NO_QUOTA)
    assert (chosen.facts["partitions"], many.facts["partitions"]) == (3, 100)
    if method == "kcenter":
        return
    assert chosen.facts["candidates"] == 3 * K
    assert chosen.facts["guarantee"] == SELECTORS[method].partitioned
    assert many.facts["guarantee"].startswith("none")
    assert 3 * K <= many.facts["candidates"] <= 3 * K + 100


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(("count", "given"), [(3, 0), (100, 0), (4, 30)])
def test_a_radius_is_shown_to_be_at_most_twice_the_best(metric: str, count: int, given: int) -> None:
    """As of greedy at once: no two of the centres and the farthest sample lie nearer than the radius."""
    points = POINTS.astype(np.float64)
    if metric == "cosine":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    asked: dict[str, Any] = {"method": "kcenter", "k": K, "metric": metric, **NO_QUOTA}
    chosen = prune.select_rows(POINTS, **asked, partitions=count, given=np.arange(given))
    centres = points[np.concatenate([np.arange(given), chosen.rows])]
    gaps = np.linalg.norm(points[:, None] - centres, axis=2).min(1)
    apart = np.linalg.norm(centres[:, None] - centres[given:], axis=2)
    assert chosen.facts["radius"] == pytest.approx(gaps.max(), rel=1e-6)
    assert np.sort(apart, axis=0)[1].min() >= gaps.max() * (1 - 1e-6)
    known = "the covering radius is at most 2 times the best, measured on all samples"
    assert chosen.facts["guarantee"] == known
    assert 1 < chosen.facts["rounds"] < 12
    assert chosen.facts["candidates"] < N / 2


def test_where_rounds_run_out_the_guarantee_says_what_they_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_rounds, "ROUNDS", 1)
    facts = prune.select_rows(POINTS, method="kcenter", k=K, partitions=100, **NO_QUOTA).facts
    times = float(facts["guarantee"].removeprefix("the covering radius is at most ").partition(" times")[0])
    assert (facts["rounds"], 2 < times < 4) == (1, True)


def test_samples_that_all_coincide_are_covered_by_any_of_them() -> None:
    points = np.zeros((90, 3), np.float32)
    points[40:] = 1
    facts = prune.select_rows(points, method="kcenter", k=9, partitions=4, **NO_QUOTA).facts
    assert (facts["radius"], "at most 2 times" in facts["guarantee"]) == (0, True)


def test_who_is_in_which_partition_hangs_on_keys_alone() -> None:
    keys = [f"{row}.png" for row in range(500)]
    order = np.random.default_rng(1).permutation(500)
    parts = Partitions(4, 500, 20)
    here = [{keys[row] for row in own} for own in parts.divided(keys, 7)]
    there = [{keys[order[at]] for at in own} for own in parts.divided([keys[row] for row in order], 7)]
    assert here == there
    assert sum(map(len, here)) == 500
    assert min(map(len, here)) > 90
    assert here != [{keys[row] for row in own} for own in parts.divided(keys, 8)]


def test_given_samples_count_in_every_partition_and_are_not_taken() -> None:
    given = np.arange(0, N, 40)
    for method in METHODS:
        chosen = prune.select_rows(POINTS, method=method, k=K, partitions=4, given=given, **NO_QUOTA)
        assert not np.isin(chosen.rows, given).any()
        assert len(np.unique(chosen.rows)) == K


def test_class_by_class_each_class_goes_in_partitions() -> None:
    labels = np.arange(N) % 2
    chosen = prune.select_rows(POINTS, method="kcenter", k=K, partitions=3, labels=labels, quota="equal")
    assert np.bincount(labels[chosen.rows]).tolist() == [K // 2, K // 2]


@pytest.mark.parametrize("k", [1, 2, N - 1, N])
def test_any_budget_is_met(k: int) -> None:
    for method in ("kcenter", "graph_cut"):
        assert len(np.unique(prune.select_rows(POINTS, method=method, k=k, partitions=5).rows)) == k
    assert len(prune.select_rows(POINTS[:3], method="kcenter", k=min(k, 3), partitions=50)) == min(k, 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "semdedup", "partitions": 3}, "semdedup does not go in partitions"),
        ({"method": "kcenter", "partitions": 1}, "--partitions 1 divides nothing"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        prune.select_rows(POINTS, k=K, **asked)
