"""Partitions chosen in by processes keep what one process keeps, also where one of them is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import prune
from prune.core.errors import StoreError
from prune.steps.select import partition_units
from prune.steps.select.partition_units import PartitionUnits
from prune.steps.settings import Settings
from prune.store import Store
from prune.system.executors.executor import Executor, Processes, ThisProcess
from tests.steps.test_units import Told, one_worker_killed

N, D = 900, 6
ASKED = {"count": 30, "partitions": 5}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("partitions")
    points = np.random.default_rng(0).standard_normal((N, D)).astype(np.float32)
    points[500:510] = points[4]  # samples that coincide: which is taken is drawn by key
    np.save(folder / "x.npy", points)
    prune.embed(folder / "store", str(folder / "x.npy"))
    return folder / "store"


def _manifest(
    store: Path,
    told: Told,
    executor: Executor | None,
    patched: pytest.MonkeyPatch,
    method: str = "facility_location",
) -> bytes:
    if executor is not None:
        spread = PartitionUnits.spread
        patched.setattr(PartitionUnits, "__call__", lambda units, *given: spread(units, executor, *given))
    settings = Settings(reporter=told, memory=2**30)
    prune.select(store, method=method, name="chosen", settings=settings, **ASKED)
    found = (store / "selections/chosen/manifest.parquet").read_bytes()
    Store(store).publish(selections={"chosen": "other"})  # the next is chosen anew
    assert not list(store.glob(".prune-*"))
    return found


@pytest.mark.parametrize(
    ("method", "executor"),
    [
        ("facility_location", lambda _: ThisProcess()),
        ("facility_location", lambda told: Processes(4, told.say)),
        ("kcenter", lambda told: Processes(2, told.say)),
    ],
    ids=["here", "4", "rounds by 2"],
)
def test_units_make_the_same_bytes(
    made: Path, method: str, executor: Callable[[Told], Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    alone = _manifest(made, told, None, monkeypatch, method)
    assert _manifest(made, told, executor(told), monkeypatch, method) == alone


def test_one_that_dies_costs_one_partition(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    alone = _manifest(made, told, None, monkeypatch)
    with one_worker_killed():
        assert _manifest(made, told, Processes(2, told.say), monkeypatch) == alone
    again = [line for line in told.said if "was killed by signal 9" in line]
    assert len(again) == 1
    assert "does a partition of facility_location (" in again[0]


def test_a_store_that_is_elsewhere_is_said(made: Path, tmp_path: Path) -> None:
    spec = json.dumps({"store": str(tmp_path / "none"), "dataset": "0" * 64, "space": ["x", "cpu", 1]})
    with pytest.raises(StoreError, match="is not here, or holds another dataset"):
        partition_units.choose_in_partition(spec, 0)
