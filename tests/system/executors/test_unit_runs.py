"""Units on a cluster that is slow or loses them, without Ray: what is begun again, and what is waited for."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from prune.core.errors import DataError, OptionError
from prune.system.executors import ray_cluster, ray_connection, unit_runs


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
        if isinstance(answer, LostError):
            raise answer
        return not isinstance(answer, OSError), answer, (reference, "10.0.0.7")

    def cancel(self, reference: str, *, force: bool) -> None:
        assert force
        self.cancelled.append(reference)


def results(
    ray: FakeRay, count: int, monkeypatch: pytest.MonkeyPatch, *, hurries: bool = True, nodes: int = 9
) -> tuple[list[Any], list[str]]:
    said: list[str] = []
    monkeypatch.setattr(unit_runs, "time", SimpleNamespace(monotonic=lambda: ray.clock))
    left: list[str] = []

    def leave(node: str) -> bool:
        left.append(node)
        return len(left) < nodes

    runs = unit_runs.UnitRuns(ray, ray.submit, "part {}".format, said.append, leave, hurries=hurries)
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
    with pytest.raises(unit_runs.BlockLostError):
        results(ray, 1, monkeypatch)
    assert ray.begun == [0] * unit_runs.TRIES


FULL = OSError(28, "No space left on device")


def test_what_a_node_cannot_write_is_done_on_another(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(ray: FakeRay) -> None:
        ray.answers |= {"0.1": "first", "1.1": FULL} if ray.clock == 30 else {"1.2": "second"}

    ray = FakeRay(turn)
    said = (
        "[Errno 28] No space left on device on 10.0.0.7, which gets no more: part 1 is done again elsewhere"
    )
    assert results(ray, 2, monkeypatch) == (["first", "second"], [said])
    assert ray.begun == [0, 1, 1]


@pytest.mark.parametrize(("nodes", "tries"), [(1, 1), (3, 3), (9, unit_runs.TRIES)])
def test_where_no_node_can_write_the_run_ends_with_that(
    nodes: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = FakeRay(lambda ray: ray.answers.update({f"0.{ray.begun.count(0)}": FULL}))
    with pytest.raises(OSError, match="No space left"):
        results(ray, 1, monkeypatch, nodes=nodes)
    assert ray.begun == [0] * tries


def test_a_head_that_is_gone_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        cluster = ray_cluster.RayCluster(None, print, memory=100, gpu=False, most=0)
        cluster._head = f"127.0.0.1:{head.getsockname()[1]}"
        assert cluster._room(Nodes(True)) == 2
    clock = SimpleNamespace(now=cluster._answered)
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: clock.now))
    assert cluster._room(Nodes(True)) == 0
    clock.now += 21
    with pytest.raises(DataError, match=f"the head of the Ray cluster at {cluster._head} is gone") as caught:
        cluster._room(Nodes(True))
    assert caught.value.hint.startswith("ray start --head, then the same command")


class Nodes:
    """A cluster whose nodes are there, or not, by the clock."""

    def __init__(self, *there: bool) -> None:
        self.there, self.clock = list(there), 0.0

    def nodes(self) -> list[dict[str, Any]]:
        self.clock += 100
        there = self.there.pop(0) if len(self.there) > 1 else self.there[0]
        return [{"NodeID": "a", "Alive": there, "Resources": {"CPU": 2.0, "memory": 100.0}}]

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
    monkeypatch.setattr(unit_runs, "time", clock)
    runs = unit_runs.UnitRuns(ray, ray.submit, None, print, lambda _: True)
    assert list(runs.results(iter([(0,)]), lambda _: next(rooms))) == ["done"]
    assert slept == [unit_runs._GLANCE] * 2


@pytest.mark.parametrize("asked", [None, "auto", "10.0.0.1:6379", "127.0.0.1:6379", "ray://10.0.0.2:10001"])
def test_the_cluster_that_this_process_is_in_serves(asked: str | None) -> None:
    ray_connection._require_same("10.0.0.1:6379", asked)


@pytest.mark.parametrize("asked", ["10.0.0.1:6380", "10.0.0.2:6379"])
def test_another_cluster_is_refused(asked: str) -> None:
    with pytest.raises(OptionError, match=f"at 10.0.0.1:6379 already, not in the one at {asked}"):
        ray_connection._require_same("10.0.0.1:6379", asked)
