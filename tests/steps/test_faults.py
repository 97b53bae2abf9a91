"""A store is whole wherever gc is killed, and what a killed training left is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.steps.report.status import status
from prune.store import Store

from .test_gc import content, made, train, whole

__all__ = ["made"]  # a fixture


def interrupted(faulty: Callable[..., Any], killed: type[BaseException]) -> None:
    """Begin another training, and be killed in the middle of it."""
    counting = faulty()
    train(epochs=5)
    calls = len(counting.calls)
    pipeline.gc("store")
    train(epochs=2)
    pipeline.gc("store")
    for at in range(20, calls, 4):  # however the writes are shared out: until an epoch is left
        faulty("kill", at)
        with contextlib.suppress(killed):
            train(epochs=5)
        faulty()
        if any(line.startswith("trace.0: epoch ") for line in status(Store("store"))["progress"]):
            return
    pytest.fail("no epoch was left by a killed training")


def test_what_is_not_finished_is_kept_unless_that_is_said(
    made: Path, faulty: Callable[..., Any], killed: type[BaseException]
) -> None:
    interrupted(faulty, killed)
    told = status(Store(made))
    assert list(told["begun"]) == ["score"]
    assert told["begun"]["score"].startswith("prune score --type el2n --epochs 5")
    assert any(line.startswith("trace.0: epoch ") and line.endswith(" of 5") for line in told["progress"])
    before = content(made)
    done = pipeline.gc("store")
    assert all(".prune-" in piece["path"] for piece in done["removed"])  # half a file
    assert done["kept"]
    assert content(made) == {name: data for name, data in before.items() if ".prune-" not in name}
    done = pipeline.gc("store", unfinished=True)
    assert done["kept"] == []
    assert status(Store(made))["unfinished"] == []
    assert status(Store(made))["begun"] == {}
    train(epochs=5)
    assert Store(made).column("trace.0").shape[0] == 5


def test_what_is_kept_is_gone_on_with(
    made: Path, faulty: Callable[..., Any], killed: type[BaseException]
) -> None:
    interrupted(faulty, killed)
    parts = {path: path.stat().st_mtime_ns for path in made.glob("columns/trace.0/*/part-*")}
    pipeline.gc("store")
    train(epochs=5)
    assert all(path.stat().st_mtime_ns == written for path, written in parts.items())
    assert status(Store(made))["begun"] == {}


def test_a_kill_at_any_time_leaves_a_whole_store(
    made: Path, faulty: Callable[..., Any], killed: type[BaseException]
) -> None:
    train(epochs=3)
    pipeline.select("store", method="top", score="el2n", count=5)
    before = Store(made).state
    at, finished = 0, False
    while not finished:
        faulty("kill", at)
        with contextlib.suppress(killed):
            pipeline.gc("store")
            finished = True
        faulty()
        assert whole(), at
        assert Store(made).state == before
        assert Store(made).unfinished == []
        at += 3
    assert pipeline.gc("store")["removed"] == []
    shown = {made / "columns" / name / id_ for name, id_ in before["columns"].items()}
    assert set(made.glob("columns/*/*")) == shown
    assert not list(made.glob(".prune-*"))
