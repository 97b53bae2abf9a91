"""Clusters compared by processes are those compared by one, also where one of them is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import prune
from prune.steps import duplicate_units
from prune.steps.duplicate_units import DuplicateUnits
from prune.steps.settings import Settings
from prune.store import Store
from prune.system.executors.executor import Executor, Processes, ThisProcess
from tests.steps.test_units import Told, one_worker_killed

N, D = 700, 5
EXECUTORS: dict[str, Callable[[Told], Executor]] = {
    "here": lambda _: ThisProcess(),
    "2": lambda told: Processes(2, told.say),
    "4": lambda told: Processes(4, told.say),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clusters")
    points = np.random.default_rng(0).standard_normal((N, D)).astype(np.float32)
    points[::4] = points[1::4] * 2 + 0.001  # near copies
    points[5] = 0  # without direction
    np.save(folder / "x.npy", points)
    prune.embed(folder / "store", str(folder / "x.npy"))
    return folder / "store"


def _manifest(store: Path, told: Told, executor: Executor | None, patched: pytest.MonkeyPatch) -> bytes:
    if executor is not None:
        patched.setattr(duplicate_units, "LOT", 100)
        spread = DuplicateUnits.spread
        patched.setattr(DuplicateUnits, "nearest_kept", lambda units, *given: spread(units, executor, *given))
    settings = Settings(reporter=told, memory=2**30)
    found = prune.select(store, method="semdedup", name="chosen", settings=settings, options=["clusters=9"])
    assert 100 < found["facts"]["duplicates"] < 300
    Store(store).publish(selections={"chosen": "other"})  # the next is chosen anew
    assert not list(store.glob(".prune-*"))
    return (store / "selections/chosen/manifest.parquet").read_bytes()


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
def test_units_make_the_same_bytes(
    made: Path, executor: Callable[[Told], Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    alone = _manifest(made, told, None, monkeypatch)
    assert _manifest(made, told, executor(told), monkeypatch) == alone


def test_one_that_dies_costs_one_lot(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    alone = _manifest(made, told, None, monkeypatch)
    with one_worker_killed():
        assert _manifest(made, told, Processes(2, told.say), monkeypatch) == alone
    again = [line for line in told.said if "was killed by signal 9" in line]
    assert len(again) == 1
    assert "does a lot of clusters (" in again[0]


def test_lots_have_all_clusters_and_few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicate_units, "LOT", 10)
    sizes = [4, 4, 4, 25, 1, 9, 10]
    groups = [np.arange(size) for size in sizes]
    spans = list(duplicate_units._lots(groups))
    assert [sizes[span] for span in spans] == [[4, 4], [4], [25], [1, 9], [10]]
    assert list(duplicate_units._lots([])) == []
