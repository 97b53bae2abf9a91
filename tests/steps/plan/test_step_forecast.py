"""What steps take, from two trials whose seconds and bytes are made up."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from prune.steps.plan.machine import Machine
from prune.steps.plan.step_forecast import START, Measured, StepForecast, scan_forecast, step_forecast
from prune.steps.plan.trial import ChainTrial, Footprint
from prune.steps.recipe.recipe import RecipeStep
from prune.store import SAMPLES, Dataset, Store

HERE = Machine(cores=2, memory=8 * 10**9, flops=1e11, copies=1e10, disk=1e8)
SCORE = RecipeStep("score", "score", 0, {"": {"types": ["el2n"]}})
TRAINING = "training resnet8, run 0"
ROWS = {"first": 100, "few": 100, "many": 1000, "counted": 100}
ONE = pa.Table.from_pylist([{"key": "a.png", "label": 0, "digest": bytes(16)}], schema=SAMPLES)


class KnownStore(Store):
    """A store of one sample, which lies nowhere."""

    dataset = Dataset("jsonl", None, ["a", "b"], {}, ONE)


def _trial(rows: int, trace: int = 1500, flops: float = 0.0, **seconds: float) -> ChainTrial:
    stages = {TRAINING: seconds.pop("training", 0.0), "rest": 0.0, **seconds}
    left = {
        "trace.0": Footprint(grown=18 * rows, once=500, weights=trace - 500, kept=1),
        "score.el2n": Footprint(grown=4 * rows),
    }
    return ChainTrial(
        rows, KnownStore(Path("none")), {"score": stages}, {"score": left}, {"score": {TRAINING: flops}}
    )


def _measured(**given: Any) -> Measured:
    few = _trial(100, scan=0.5, training=1.0)
    known: dict[str, Any] = {
        "first": _trial(100, scan=9.0, training=3.0, rest=1.0),
        "few": few,
        "many": _trial(1000, scan=1.4, training=10.0),
        "counted": _trial(100, flops=1e9, training=2.0),
        "choices": {},
        "epochs": {"score": 10.0},
        "full": {"score": 10},
        "proxies": {"score": 1},
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
    for name, rows in ROWS.items():
        held = {"embed": {f"embedding.{encoder}": Footprint(grown=8 * rows)}}
        trials[name] = ChainTrial(rows, KnownStore(Path("none")), {"embed": {"rest": rows / 100}}, held, {})
    embed = RecipeStep("embed", "embed", 0, {})
    assert step_forecast(_measured(**trials), embed, samples).units == units
    assert _at(10**6).units == 1


def test_a_trace_has_facts_of_every_epoch_and_weights_as_its_training_keeps_them() -> None:
    assert _at(10_000).disk == 500 + 10 * 1000 + 10 * 18 * 10_000 + 4 * 10_000
    alike = {"epochs": {"score": 1.0}, "full": {"score": 1}}
    assert _at(10_000, **alike).disk == 500 + 1000 + 18 * 10_000 + 4 * 10_000
    large = {"few": _trial(100, 500 + 2**23), "many": _trial(1000, 500 + 2**23)}
    assert _at(10_000, **large).disk == 500 + 2 * 2**23 + 10 * 18 * 10_000 + 4 * 10_000  # the 6th, the last


def test_what_is_there_once_is_not_counted_a_sample() -> None:
    few = _trial(60, 500 + 10**6)
    found = _at(10**9, few=few, many=few)  # there are no more samples to tell the two apart by
    assert found.disk == 500 + 10 * 10**6 + (10 * 18 + 4) * 10**9


def test_proxies_and_parts_of_gradients_are_units_and_all_else_is_not() -> None:
    trials = {name: _trial(rows, training=1.0, **{"gradient norms": 1.0}) for name, rows in ROWS.items()}
    found = _at(8192 * 3 + 1, **trials, proxies={"score": 5})
    assert found.apart == {TRAINING: 5, "gradient norms": 20}
    assert found.units == 20
    assert _at(8192).apart == {TRAINING: 1}


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
