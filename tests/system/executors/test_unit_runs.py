"""Units on a cluster that is slow or loses them, without Ray: what is begun again, and what is waited for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from prune.core.errors import OptionError
from prune.system.executors import ray_cluster, ray_connection


class LostError(Exception):
    """A unit is gone."""


class FakeRay:
    """A cluster whose units end when the test says so: `wait` calls `turn`, which puts answers here."""

    class exceptions:  # noqa: N801 - as Ray has it
        RayError = LostError
        RayTaskError = ZeroDivisionError

    def __init__(self, turn: Callable[[FakeRay], None]) -> None:
        self.turn, self.clock = turn, 0.0
        self.begun: list[int] = []
        self.answers: dict[str, Any] = {}
        self.cancelled: list[str] = []

    def submit(self, block: Any) -> str:
        self.begun.append(block[0])
        return f"{block[0]}.{self.begun.count(block[0])}"

    def wait(self, references: list[str], **_: object) -> tuple[list[str], list[str]]:
        self.clock += 30
        self.turn(self)
        return [one for one in references if one in self.answers][:1], []

    def get(self, reference: str) -> Any:
        answer = self.answers.pop(reference)
        if isinstance(answer, Exception):
            raise answer
        return True, answer

    def cancel(self, reference: str, *, force: bool) -> None:
        assert force
        self.cancelled.append(reference)


def results(
    ray: FakeRay, count: int, monkeypatch: pytest.MonkeyPatch, *, hurries: bool = True
) -> tuple[list[Any], list[str]]:
    said: list[str] = []
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: ray.clock))
    runs = ray_cluster._UnitRuns(ray, ray.submit, "part {}".format, said.append, hurries=hurries)
    return list(runs.results(iter([(i,) for i in range(count)]), lambda _: 4)), said


def test_nobody_waits_for_the_slower_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(ray: FakeRay) -> None:
        if ray.clock == 30:
            ray.answers["0.1"] = "first"
        if "1.2" not in ray.answers and ray.begun.count(1) == 2:
            ray.answers["1.2"] = "second"  # and 1.1 hangs for ever

    ray = FakeRay(turn)
    assert results(ray, 2, monkeypatch) == (
        ["first", "second"],
        ["part 1 takes 150 s: it is begun elsewhere too"],
    )
    assert ray.cancelled == ["1.1"]


def test_what_goes_on_from_what_it_left_is_not_begun_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(ray: FakeRay) -> None:
        if ray.clock == 30:
            ray.answers["0.1"] = "first"
        if ray.clock == 6000:
            ray.answers["1.1"] = "second"

    ray = FakeRay(turn)
    assert results(ray, 2, monkeypatch, hurries=False) == (["first", "second"], [])
    assert ray.begun == [0, 1]


def test_nothing_is_late_before_one_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(ray: FakeRay) -> None:
        if ray.clock == 6000:
            ray.answers |= {"0.1": 0, "1.1": 1}

    ray = FakeRay(turn)
    assert results(ray, 2, monkeypatch) == ([0, 1], [])
    assert ray.begun == [0, 1]


def test_what_is_lost_is_begun_again_up_to_four_times(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(ray: FakeRay) -> None:
        ray.answers[f"0.{ray.begun.count(0)}"] = LostError()

    ray = FakeRay(turn)
    with pytest.raises(ray_cluster.BlockLostError):
        results(ray, 1, monkeypatch)
    assert ray.begun == [0] * ray_cluster.TRIES


class Nodes:
    """A cluster whose nodes are there, or not, by the clock."""

    def __init__(self, *there: bool) -> None:
        self.there, self.clock = list(there), 0.0

    def nodes(self) -> list[dict[str, Any]]:
        self.clock += 100
        there = self.there.pop(0) if len(self.there) > 1 else self.there[0]
        return [{"Alive": there, "Resources": {"CPU": 2.0, "memory": 100.0}}]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}


def room_of(ray: Nodes, looks: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[str]]:
    said: list[str] = []
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: ray.clock))
    cluster = ray_cluster.RayCluster(None, said.append, memory=100, gpu=False, most=0)
    return [cluster._room(ray) for _ in range(looks)], said


def test_nodes_that_are_gone_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found, said = room_of(Nodes(True, False, False, True, False, True), 6, monkeypatch)
    assert found == [2, 0, 0, 2, 0, 2]
    assert said == ["no node of the Ray cluster has 1 CPU, 100 memory now: waiting for one"] * 2


def test_nodes_that_stay_gone_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="none of 0 nodes of the Ray cluster has 1 CPU") as caught:
        room_of(Nodes(False), 9, monkeypatch)
    assert caught.value.hint.startswith("add a node that has: ray start")


def test_a_run_waits_where_no_node_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = FakeRay(lambda ray: ray.answers.update({"0.1": "done"}))
    rooms, slept = iter([0, 0, 1, 1, 1]), []
    clock = SimpleNamespace(monotonic=lambda: ray.clock, sleep=slept.append)
    monkeypatch.setattr(ray_cluster, "time", clock)
    runs = ray_cluster._UnitRuns(ray, ray.submit, None, print)
    assert list(runs.results(iter([(0,)]), lambda _: next(rooms))) == ["done"]
    assert slept == [ray_cluster._GLANCE] * 2


@pytest.mark.parametrize("asked", [None, "auto", "10.0.0.1:6379", "127.0.0.1:6379", "ray://10.0.0.2:10001"])
def test_the_cluster_that_this_process_is_in_serves(asked: str | None) -> None:
    ray_connection._require_same("10.0.0.1:6379", asked)


@pytest.mark.parametrize("asked", ["10.0.0.1:6380", "10.0.0.2:6379"])
def test_another_cluster_is_refused(asked: str) -> None:
    with pytest.raises(OptionError, match=f"at 10.0.0.1:6379 already, not in the one at {asked}"):
        ray_connection._require_same("10.0.0.1:6379", asked)
