from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.method_rows import Selector
from prune.core.selection import Selection
from prune.index.resource_plan import Plan, Size
from prune.index.space import EmbeddingSpace, Space
from prune.steps.select.by_class import ChoiceTask, Material, SelectionTarget, choose
from prune.steps.select.forecast import announced

LABELS = np.array([0, 0, 0, 1, 1, 1, 1])
POINTS = np.array([[0.0], [1], [2], [10], [11], [12], [13]], np.float32)


def nearest(space: Space, /, *, k: int, given: Rows | None = None, target: Space | None = None) -> Selection:
    """Nearest to the mean of the target; of given samples, tells how many."""
    assert target is not None
    middle = target.sum() / target.n
    mine = space.coordinates().take(np.arange(space.n))
    away = np.abs(mine - middle).sum(1)
    held = [] if given is None else given.tolist()
    away[held] = np.inf
    rows = np.argsort(away, kind="stable")[:k]
    return Selection.of(rows, -away[rows], facts={"given": len(held), "target": target.n, "note": "same"})


def plan_of_nearest(size: Size, k: int, options: Mapping[str, Any]) -> Plan:
    return Plan("direct", f"{size.n} and {size.target}", 2**20 * size.n, 1e9 * k)


METHOD = Selector(nearest, plan=plan_of_nearest)


def _material(**more: Any) -> Material:
    return Material(
        labels=LABELS,
        keys=lambda rows: [str(row) for row in rows],
        space=lambda rows: EmbeddingSpace(POINTS, rows=rows),
        **more,
    )


TARGET = SelectionTarget(EmbeddingSpace(np.array([[1.9], [11.2], [11.0]], np.float32)), np.array([0, 1, 1]))


def test_a_target_with_labels_is_matched_class_by_class() -> None:
    task = ChoiceTask(method=METHOD, rows=np.arange(7), k=2, quota="equal")
    chosen = choose(task, _material(target=TARGET))
    assert sorted(chosen.rows.tolist()) == [2, 4]
    assert chosen.facts == {
        "given": 0,
        "target": {"least": 1, "mean": 1.5, "most": 2},
        "note": "same",
        "groups": 2,
    }
    together = choose(ChoiceTask(method=METHOD, rows=np.arange(7), k=2), _material(target=TARGET))
    assert together.rows.tolist() == [3, 4]  # the mean of the whole target is 8.03
    assert together.facts["target"] == 3


def test_a_class_that_the_target_lacks_is_matched_to_all_of_it() -> None:
    target = SelectionTarget(TARGET.samples, np.array([1, 1, 1]))
    assert target.of_class(0).samples.n == 3
    assert target.of_class(1).samples.n == 3
    assert SelectionTarget(TARGET.samples).of_class(0).samples.n == 3


def test_given_samples_stand_behind_the_candidates_of_their_class() -> None:
    rows = np.array([0, 1, 3, 4, 5])
    both = ChoiceTask(method=METHOD, rows=rows, k=2, given=np.array([2, 6]), quota="equal")
    chosen = choose(both, _material(target=TARGET))
    assert chosen.facts["given"] == 1
    assert sorted(chosen.rows.tolist()) == [1, 4]
    assert (
        choose(
            ChoiceTask(method=METHOD, rows=rows, k=2, given=np.array([2, 6])), _material(target=TARGET)
        ).facts["given"]
        == 2
    )


def test_weights_of_clusters_count_the_candidates_of_the_class() -> None:
    task = ChoiceTask(method=METHOD, rows=np.arange(7), k=3, quota="proportional", reweight="cluster")
    chosen = choose(task, _material(target=TARGET))
    weights = dict(zip(chosen.rows.tolist(), chosen.weights.tolist(), strict=True))
    assert weights == {2: 3, 4: 2, 5: 2}  # 10 and 11 go to 11; 12 and 13 to 12


def test_what_it_will_need_is_the_largest_group_and_all_the_work() -> None:
    task = ChoiceTask(method=METHOD, rows=np.arange(7), k=4, quota="equal", given=np.array([], np.int64))
    like = Size(0, 1, 2**30)
    forecast = announced(task, LABELS, like, TARGET)
    assert forecast is not None
    assert (forecast.bytes, forecast.work, forecast.groups) == (4 * 2**20, 4e9, 2)
    assert str(forecast) == "nearest: direct in each of 2 classes (4 and 2); needs 4.19 MB, seconds"


def test_what_does_not_fit_is_refused_with_what_to_type() -> None:
    with pytest.raises(OptionError, match=r"nearest needs 7.34 MB, but may use 1.05 MB") as caught:
        announced(ChoiceTask(method=METHOD, rows=np.arange(7), k=2), LABELS, Size(0, 1, 2**20))
    assert "--max-memory 1G" in caught.value.hint


def test_weights_need_a_space() -> None:
    def first(keys: list[str], /, *, k: int) -> Selection:
        return Selection.of(np.arange(k))

    material = Material(labels=LABELS, keys=lambda rows: [str(row) for row in rows])
    task = ChoiceTask(method=Selector(first), rows=np.arange(7), k=2, reweight="nnls")
    with pytest.raises(OptionError, match="--reweight nnls compares samples"):
        choose(task, material)
