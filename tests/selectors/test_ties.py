"""A dataset that lies class by class: neither equal scores nor gains that run out are decided by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import prune
from prune.core.selection import Selection
from prune.index.space import EmbeddingSpace
from prune.selectors import SELECTORS
from prune.selectors.coinciding import exchanged
from prune.selectors.d2 import d2
from prune.selectors.exhausted_gains import drawn_rest, still_gaining

CLASSES, EACH, KEPT = 4, 100, 160
LABELS = np.repeat(np.arange(CLASSES), EACH)
BY_SCORE = ["top", "bottom", "window", "moderate", "stratified", "beta", "gumbel"]
RUN_OUT = [
    "kcenter", "facility_location", "craig", "semdedup", "contextual_diversity", "saturated_coverage",
    "disparity_min", "d2",
]  # fmt: skip


def _points() -> np.ndarray:
    """Ten points in each class, each of them ten times: forty samples say all there is to say."""
    rng = np.random.default_rng(0)
    crowds = [np.abs(rng.normal(size=(10, 8))) + 3 * np.eye(8)[c] for c in range(CLASSES)]
    return np.concatenate([crowd[np.arange(EACH) % 10] for crowd in crowds]).astype(np.float32)


def _chosen(method: str, k: int = KEPT, seed: int = 0, **more: Any) -> Selection:
    points = _points()
    probs = np.exp(points[:, :CLASSES]) / np.exp(points[:, :CLASSES]).sum(1, keepdims=True)
    given: dict[str, Any] = {"X": points}
    given |= {"scores": np.ones(len(points), np.float32), "easiness": np.full(len(points), 0.5, np.float32)}
    return prune.select_rows(
        method=method,
        k=k,
        labels=LABELS,
        probs=probs.astype(np.float32),
        quota="none",
        seed=seed,
        **given,
        **more,
    )


@pytest.mark.parametrize("method", [*BY_SCORE, *RUN_OUT])
def test_no_class_is_kept_whole_and_none_is_lost(method: str) -> None:
    kept = np.bincount(LABELS[_chosen(method).rows], minlength=CLASSES)
    assert kept.min() > 20
    assert kept.max() < 70


@pytest.mark.parametrize("method", ["top", "bottom"])
def test_all_equal_is_a_random_selection(method: str) -> None:
    assert _chosen(method).rows.tolist() == _chosen("random").rows.tolist()
    assert _chosen(method, seed=1).rows.tolist() != _chosen(method).rows.tolist()


@pytest.mark.parametrize("method", ["top", "bottom", "window", "moderate"])
def test_how_many_are_tied_at_the_cut_is_counted(method: str) -> None:
    assert _chosen(method).facts["tied_at_cut"] == len(LABELS)
    assert _chosen(method, k=len(LABELS)).facts["tied_at_cut"] == 0


@pytest.mark.parametrize("method", [name for name, how in SELECTORS.items() if how.spent] + ["craig"])
def test_how_many_add_nothing_is_counted(method: str) -> None:
    found = _chosen(method)
    assert found.facts["filled"] == KEPT - still_gaining(found.gains) >= KEPT // 2
    assert (found.gains[still_gaining(found.gains) :] < 1e-6).all()


def test_counts_of_classes_are_added_up() -> None:
    facts = prune.select_rows(
        scores=np.ones(6, np.float32), labels=np.array([0, 0, 0, 1, 1, 1]), method="top", k=2, quota="equal"
    ).facts
    assert facts["tied_at_cut"] == 6


def test_samples_that_still_add_something_stay_as_they_are() -> None:
    gains = np.array([4, 2, 0, 1, 0, 0], np.float32)
    chosen = Selection.of(np.array([5, 3, 9, 1, 0, 2]), gains)
    assert still_gaining(gains) == 4
    found = drawn_rest(chosen, np.arange(12), lambda rows: [str(row) for row in rows], 0)
    assert found.rows[:4].tolist() == [5, 3, 9, 1]
    assert not np.isin(found.rows[4:], [5, 3, 9, 1]).any()
    assert found.facts == {"filled": 2}
    assert still_gaining(np.zeros(3, np.float32)) == 0
    assert still_gaining(np.array([1, 1e-12], np.float32)) == 1


def _crowd() -> np.ndarray:
    """Twenty samples of each class that differ, at the same places in all of them, and eighty of zeros."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(len(LABELS), 8)).astype(np.float32)
    points[np.tile(rng.permutation(EACH) >= 20, CLASSES)] = 0
    return points


GEOMETRIC = [name for name, how in SELECTORS.items() if "space" in how.needs and "scores" not in how.needs]


@pytest.mark.parametrize(
    ("method", "gradients"),
    [*((name, True) for name in GEOMETRIC), *((name, False) for name in GEOMETRIC if name != "glister")],
)
def test_of_samples_that_coincide_no_class_is_preferred(method: str, gradients: bool) -> None:
    points = _crowd()
    features = np.random.default_rng(2).normal(size=(len(points), 3)).astype(np.float32)
    held: dict[str, Any] = {"errors": points, "features": features} if gradients else {"X": points}
    if method == "gio" or "target" in SELECTORS[method].supplied:
        held["target"] = (points[::3], features[::3]) if gradients else points[::3]
    chosen = prune.select_rows(method=method, k=200, labels=LABELS, quota="none", **held)
    assert len(np.unique(chosen.rows)) == 200
    blank = chosen.rows[(points[chosen.rows] == 0).all(1)]
    of_classes = np.bincount(LABELS[blank], minlength=CLASSES)
    assert of_classes.min() > len(blank) / CLASSES / 2


@pytest.mark.parametrize("method", ["herding", "log_det", "feature_based", "disparity_sum", "graph_cut"])
def test_an_exchange_of_samples_that_coincide_keeps_prefixes_and_what_is_given(method: str) -> None:
    points = _crowd()
    more: dict[str, Any] = {"given": [0, 1, 399]} if SELECTORS[method].takes("given") else {}
    large, small = (prune.select_rows(points, method=method, k=k, **more).rows for k in (200, 120))
    assert large[:120].tolist() == small.tolist()
    assert not np.isin(more.get("given", []), large).any()
    other = prune.select_rows(points, method=method, k=200, seed=1, **more).rows
    assert (points[other] == points[large]).all()  # the same samples, but for which of those that are equal
    assert other.tolist() != large.tolist()


def test_only_samples_of_one_group_are_exchanged() -> None:
    gains = np.array([3, 2, 1, 0], np.float32)
    chosen = Selection.of(np.array([4, 0, 1, 3]), gains, np.array([1, 2, 3, 4], np.float32), {"a": 1})
    groups = np.array([0, 0, 2, 3, 4, 0])  # 5 is given: not free

    def keys(rows: np.ndarray) -> list[str]:
        return [str(row) for row in rows]

    seen = set()
    for seed in range(20):
        found = exchanged(chosen, np.arange(5), groups, keys, seed)
        assert found.rows[[0, 3]].tolist() == [4, 3]
        assert sorted(found.rows[1:3].tolist()) == [0, 1]
        assert (found.gains.tolist(), found.weights.tolist()) == ([3, 2, 1, 0], [1, 2, 3, 4])
        seen.add(int(found.rows[1]))
    assert seen == {0, 1}


COSINE = [
    name
    for name in GEOMETRIC
    if "cosine" in (SELECTORS[name].options.get(w) for w in ("metric", "similarity"))
]


@pytest.mark.parametrize("method", COSINE)
def test_of_plain_pictures_of_several_greys_no_class_is_preferred(method: str) -> None:
    points, greys = _crowd(), np.random.default_rng(3).uniform(0.5, 2, len(LABELS)).astype(np.float32)
    plain = (points == 0).all(1)
    points[plain] = greys[plain, None]
    chosen = prune.select_rows(points, method=method, k=200, labels=LABELS, quota="none")
    of_classes = np.bincount(LABELS[chosen.rows[plain[chosen.rows]]], minlength=CLASSES)
    assert of_classes.min() > of_classes.sum() / CLASSES / 2


def test_copies_with_equal_scores_are_drawn_and_a_score_still_tells_them_apart() -> None:
    kinds = np.random.default_rng(4).normal(size=(20, 8)).astype(np.float32)
    points = kinds[np.random.default_rng(5).integers(0, 20, len(LABELS))]
    scores = np.ones(len(points), np.float32)
    chosen = prune.select_rows(points, method="d2", scores=scores, k=60, labels=LABELS, quota="none")
    of_classes = np.bincount(LABELS[chosen.rows], minlength=CLASSES)
    assert of_classes.min() > 60 / CLASSES / 2
    scores = np.random.default_rng(6).permutation(len(points)).astype(np.float32)
    alone = d2(scores, EmbeddingSpace(points), [str(row) for row in range(len(points))], k=60, seed=0)
    chosen = prune.select_rows(points, method="d2", scores=scores, k=60, labels=LABELS, quota="none")
    assert chosen.rows.tolist() == alone.rows.tolist()
