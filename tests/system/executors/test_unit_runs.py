"""Units on a cluster that is slow or loses them, without Ray: what is begun again, and what is waited for."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from prune.system.executors import ray_cluster


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


def results(ray: FakeRay, count: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[str]]:
    said: list[str] = []
    monkeypatch.setattr(ray_cluster, "time", SimpleNamespace(monotonic=lambda: ray.clock))
    runs = ray_cluster._UnitRuns(ray, ray.submit, "part {}".format, said.append)
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
