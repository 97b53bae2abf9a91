"""What steps take, from two trials whose seconds and bytes are made up."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from prune.steps.plan.machine import Machine
from prune.steps.plan.step_forecast import START, Measured, StepForecast, scan_forecast, step_forecast
from prune.steps.plan.trial import ChainTrial
from prune.steps.recipe.recipe import RecipeStep
from prune.store import SAMPLES, Dataset, Store

HERE = Machine(cores=2, memory=8 * 10**9, flops=1e11, copies=1e10, disk=1e8)
SCORE = RecipeStep("score", "score", 0, {"": {"types": ["el2n"]}})
TRAINING = "training resnet8, run 0"
ONE = pa.Table.from_pylist([{"key": "a.png", "label": 0, "digest": bytes(16)}], schema=SAMPLES)


class KnownStore(Store):
    """A store of one sample, which lies nowhere."""

    dataset = Dataset("jsonl", None, ["a", "b"], {}, ONE)


def _trial(rows: int, trace: int, flops: float = 0.0, **seconds: float) -> ChainTrial:
    stages = {TRAINING: seconds.pop("training", 0.0), "rest": 0.0, **seconds}
    left = {"trace.0": trace, "score.el2n": 4 * rows}
    return ChainTrial(
        rows, KnownStore(Path("none")), {"score": stages}, {"score": left}, {"score": {TRAINING: flops}}
    )


def _measured(**given: Any) -> Measured:
    few = _trial(100, 1000 + 18 * 100, scan=0.5, training=1.0)
    known: dict[str, Any] = {
        "first": _trial(100, 0, scan=9.0, training=3.0, rest=1.0),
        "few": few,
        "many": _trial(1000, 1000 + 18 * 1000, scan=1.4, training=10.0),
        "counted": _trial(100, 0, flops=1e9, training=2.0),
        "choices": {},
        "epochs": {"score": 10.0},
        "steps": {"score": 0.5},
        "machine": HERE,
        "base": 10**9,
        "payload": 1000.0,
    }
    return Measured(**{**known, **given})


def _at(samples: int, **given: Any) -> StepForecast:
    return step_forecast(_measured(**given), SCORE, samples)


def test_training_grows_with_samples_epochs_and_the_size_of_steps() -> None:
    found = _at(10_000)
    assert found.stages[TRAINING] == pytest.approx(0.01 * 10_000 * 10 * 0.5)
    assert found.stages[START] == pytest.approx(3.0)  # 4 s of a first process, less 1 s; without the scan
    assert found.seconds == pytest.approx(503.0)
    assert _at(10_000, epochs={"score": 1.0}).stages[TRAINING] == pytest.approx(50.0)
    assert _at(10_000, steps={}).stages[TRAINING] == pytest.approx(1000.0)


def test_operations_grow_as_training_does() -> None:
    assert _at(10_000).flops == pytest.approx(1e9 / 100 * 10_000 * 10)


@pytest.mark.parametrize(
    ("encoder", "samples", "units"), [("ngrams", 65_537, 2), ("ngrams", 9, 1), ("precomputed", 10**6, 1)]
)
def test_an_embedding_has_a_unit_a_part_unless_its_features_are_there(
    encoder: str, samples: int, units: int
) -> None:
    trials = {}
    for name, rows in (("first", 100), ("few", 100), ("many", 1000), ("counted", 100)):
        held = {"embed": {f"embedding.{encoder}": 8 * rows}}
        trials[name] = ChainTrial(rows, KnownStore(Path("none")), {"embed": {"rest": rows / 100}}, held, {})
    embed = RecipeStep("embed", "embed", 0, {})
    assert step_forecast(_measured(**trials), embed, samples).units == units
    assert _at(10**6).units == 1


def test_a_trace_has_facts_of_every_epoch_and_weights_of_two() -> None:
    assert _at(10_000).disk == 2 * 1000 + 10 * 18 * 10_000 + 4 * 10_000
    assert _at(10_000, epochs={"score": 1.0}).disk == 1000 + 18 * 10_000 + 4 * 10_000


def test_the_first_look_is_a_step_and_no_quicker_than_the_disk() -> None:
    found = scan_forecast(_measured(), "score", 10_000)
    assert found.seconds == pytest.approx(0.4 + 0.001 * 10_000)
    assert found.read == 10_000 * 1000
    slow = scan_forecast(_measured(payload=10**6), "score", 10_000)
    assert slow.seconds == pytest.approx(10_000 * 10**6 / 1e8)


def test_more_samples_need_more_of_everything() -> None:
    found = [_at(10**decade) for decade in range(3, 10)]
    for name in ("seconds", "memory", "disk", "flops", "spread"):
        values = [getattr(one, name) for one in found]
        assert all(less < more for less, more in itertools.pairwise(values)), name
