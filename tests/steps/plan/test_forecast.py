"""The arithmetic of a forecast, from rates that are made up: growth, epochs, limits, machines, money."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.core.safe_text import roughly
from prune.steps.plan.cluster import Cluster, in_all
from prune.steps.plan.growth_law import StraightLine, spread
from prune.steps.plan.machine import NETWORK, Machine, gpu_rate
from prune.steps.plan.request import PlanRequest
from prune.steps.plan.step_forecast import StepForecast

GB = 10**9
HERE = Machine(cores=2, memory=8 * GB, flops=1e11, copies=1e10, disk=1e9)
STEP = StepForecast(
    step="score", verb="score", seconds=100.0, spread=1.25, memory=GB, disk=2 * GB, read=5e9, flops=2e12
)


def _cluster(**asked: Any) -> Cluster:
    return Cluster(**{"machine": HERE, "machines": 1, "gpus": 0, "price": None, **asked})


def test_a_line_goes_through_both_measurements() -> None:
    line = StraightLine.through((100, 3.0), (300, 7.0))
    assert (line.once, line.each) == (1.0, 0.02)
    assert line.at(1000) == 21.0


@pytest.mark.parametrize(
    ("few", "many"), [((100, 9.0), (300, 6.0)), ((100, 1.0), (300, 6.0)), ((9, 2.0), (9, 2.0))]
)
def test_a_line_neither_falls_nor_begins_below_nothing(
    few: tuple[int, float], many: tuple[int, float]
) -> None:
    line = StraightLine.through(few, many)
    assert line.once >= 0
    assert line.each >= 0
    assert line.at(many[0]) == pytest.approx(many[1])
    assert line.at(10**9) >= line.at(many[0])


def test_more_than_was_measured_is_less_sure() -> None:
    assert spread(1000, 1000) == spread(1000, 10) == 1.25
    assert spread(1000, 10**6) == pytest.approx(1.25 * 1.1**3)
    wide = [spread(1000, 10**decade) for decade in range(3, 10)]
    assert all(a < b for a, b in itertools.pairwise(wide))


def test_a_step_is_said_beside_the_limit_it_is_nearest_to() -> None:
    placed = _cluster().placed(STEP)
    assert (placed["limit"], placed["ratio"]) == ("compute", 100 / 20)  # 2e12 / 1e11
    assert (placed["low"], placed["seconds"], placed["high"]) == (80.0, 100.0, 125.0)
    assert placed["fits"]
    reading = _cluster().placed(replace(STEP, flops=0.0))
    assert (reading["limit"], reading["ratio"]) == ("read", 20.0)
    assert _cluster().placed(replace(STEP, flops=0.0, read=0.0, disk=0))["limit"] is None
    copying = _cluster().placed(replace(STEP, flops=0.0, read=0.0, disk=10**11))
    assert (copying["limit"], copying["ratio"]) == ("memory", 5.0)
    unknown = _cluster(machine=replace(HERE, disk=None)).placed(replace(STEP, flops=0.0))
    assert unknown["limit"] == "memory"


def test_what_is_too_large_does_not_fit_and_says_why() -> None:
    placed = _cluster().placed(replace(STEP, memory=9 * GB))
    assert not placed["fits"]
    assert placed["problem"] == "needs 9 GB of memory, 8 GB are free"
    impossible = replace(STEP, seconds=None, why="kcenter needs 9 GB", advice="--max-memory 9G")
    placed = _cluster().placed(impossible)
    assert (placed["problem"], placed["advice"]) == ("kcenter needs 9 GB", "--max-memory 9G")
    assert in_all([placed], _cluster(price=1.0))["seconds"] is None
    assert in_all([placed], _cluster(price=1.0))["cost"] is None


def test_money_is_of_all_machines_until_the_end() -> None:
    steps = [_cluster().placed(replace(STEP, seconds=1800.0))] * 2
    whole = in_all(steps, _cluster(price=2.5))
    assert whole["seconds"] == 3600.0
    assert whole["cost"]["likely"] == 2.5
    assert in_all(steps, _cluster(price=2.5, machines=8))["cost"]["likely"] == 20.0
    assert in_all(steps, _cluster(price=2.5, machines=8, gpus=8))["cost"]["likely"] == 160.0
    assert in_all(steps, _cluster())["cost"] is None
    assert whole["disk"] == 4 * GB
    assert whole["memory"] == GB


def test_what_does_not_spread_runs_on_one_machine() -> None:
    embed = replace(STEP, step="embed", verb="embed", seconds=400.0, flops=4e13, units=64)
    assert _cluster(machines=8).placed(embed)["seconds"] == 50.0
    assert _cluster(machines=8).placed(embed)["machines"] == 8
    assert _cluster(machines=8).placed(STEP)["seconds"] == 100.0
    assert _cluster(machines=8).placed(STEP)["machines"] == 1
    seconds = [_cluster(machines=count).placed(embed)["seconds"] for count in (1, 2, 4, 64)]
    assert all(a > b for a, b in itertools.pairwise(seconds))
    few = _cluster(machines=8).placed(replace(embed, units=2))
    assert (few["machines"], few["seconds"]) == (2, 200.0)


def test_stages_that_have_units_are_quicker_on_more_machines_and_others_are_not() -> None:
    stages = {"caching": 20.0, "training, run 0": 60.0, "gradients": 20.0}
    score = replace(STEP, stages=stages, units=64, apart={"training, run 0": 5, "gradients": 64})
    assert _cluster(machines=8).placed(score)["seconds"] == pytest.approx(20 + 60 / 5 + 20 / 8)
    assert _cluster().placed(score)["seconds"] == 100.0


def test_no_step_is_quicker_than_the_network() -> None:
    much = replace(STEP, read=1000 * NETWORK, flops=0.0)
    placed = _cluster(machines=2).placed(much)
    assert placed["seconds"] == 1000.0
    assert (placed["limit"], placed["ratio"]) == ("network", 1.0)
    assert _cluster().placed(much)["seconds"] == 100.0


def test_a_gpu_that_is_not_here_is_assumed_and_less_sure() -> None:
    placed = _cluster(gpus=1).placed(STEP)
    assert placed["seconds"] == pytest.approx(100 - 20 + 2e12 / gpu_rate())
    assert placed["high"] / placed["seconds"] == pytest.approx(5.0)
    beside = replace(STEP, flops=0.0)
    assert _cluster(gpus=1).placed(beside)["seconds"] == 100.0  # what torch does not compute is as it was
    measured = _cluster(gpus=1, machine=replace(HERE, device="cuda"))
    assert measured.placed(STEP)["seconds"] == 100.0


@pytest.mark.parametrize(
    ("asked", "what", "hint"),
    [
        ({"samples": 0.0}, "--samples 0 is not", "--samples 1e9"),
        ({"samples": math.nan}, "--samples nan is not", "--samples 1e9"),
        ({"machines": 0}, "--machines 0 is not", "--machines 8"),
        ({"gpus": -1}, "--gpus -1 is not", "--gpus 8"),
        ({"price": -2.5}, "--price -2.5 is not", "--price 2.5"),
        ({"recipe": "x.toml", "method": "random"}, "--recipe x.toml has a chain", "leave one"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(OptionError, match=what) as caught:
        PlanRequest(**asked)
    assert hint in caught.value.hint


def test_the_chain_is_that_of_the_readme_unless_options_say_more() -> None:
    def verbs(*, learns: bool = True, **asked: Any) -> list[str]:
        return [step.name for step in PlanRequest(**asked).chain(learns=learns, form="webdataset")]

    assert verbs() == ["score", "select.kcenter", "export"]
    assert verbs(learns=False) == ["embed", "select.kcenter", "export"]
    assert verbs(encoder="pixels") == ["embed", "select.kcenter", "export"]
    assert verbs(encoder="pixels", types=["el2n"]) == ["embed", "score", "select.kcenter", "export"]
    assert verbs(training={"epochs": 3}, learns=False)[0] == "score"
    chain = PlanRequest(method="random", fraction="0.1").chain(learns=True, form="jsonl")
    assert [step.given[""] for step in chain] == [
        {"types": ["grad_norm"]},
        {"method": "random", "fraction": "0.1"},
        {"format": "jsonl"},
    ]
    assert PlanRequest(method="semdedup").chain(learns=True, form="jsonl")[1].given[""] == {
        "method": "semdedup"
    }


def test_a_machine_has_rates(tmp_path: Any) -> None:
    (tmp_path / "some.bin").write_bytes(bytes(1 << 20))
    machine = Machine.measured([tmp_path / "some.bin"], "cpu")
    rates = [machine.cores, machine.memory, machine.flops, machine.copies]
    assert all(np.isfinite(rate) and rate > 0 for rate in rates)
    assert machine.disk is None or (np.isfinite(machine.disk) and machine.disk > 0)
    assert Machine.measured([], "cpu").disk is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.1 s"),
        (1.04, "1.0 s"),
        (75.0, "75 s"),
        (456.0, "7.6 min"),
        (36_000.0, "10 h"),
        (9e5, "10 days"),
    ],
)
def test_a_time_that_is_foreseen_has_two_digits(seconds: float, words: str) -> None:
    assert roughly(seconds) == words
