"""Units of work that verbs have, as a table: what stands before, how a verb has them done, what is left."""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.progress import Silent
from prune.steps import duplicate_units, embedding_units, export_units
from prune.steps.score import proxy_units
from prune.steps.select import partition_units
from prune.store import Store
from prune.system.executors.executor import Executor, ThisProcess

FOLDS: dict[str, Any] = {"runs": 2, "cross_fit": 2}
PROXIES: dict[str, Any] = {"types": ["el2n", "grad_norm"], "training": {"epochs": 2}}
SHARDS: dict[str, Any] = {"format": "webdataset", "options": ["shard_size=2000"]}
FEW, MANY, POINTS = 90, 8_400, 900  # exports write groups of at least 4,096 samples: two groups and a bit
WORDS = ["good", "bad", "fair"]

Made = dict[str, bytes]


class Told(Silent):
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def contents(folder: Path) -> Made:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def settings(told: Told | None = None, **more: Any) -> prune.Settings:
    return prune.Settings(device="cpu", reporter=told or Told(), memory=2**30, **more)


def write_texts(home: Path) -> None:
    for name, count in (("few", FEW), ("many", MANY)):
        texts = ({"text": f"a {WORDS[i % 3]} text, number {i}", "label": WORDS[i % 3]} for i in range(count))
        (home / f"{name}.jsonl").write_text("".join(f"{json.dumps(text)}\n" for text in texts))


def write_points(home: Path) -> None:
    points = np.random.default_rng(0).standard_normal((POINTS, 6)).astype(np.float32)
    points[:700:4] = points[1:700:4] * 2 + 0.001  # near copies
    points[700:710] = points[704]  # samples that coincide: which is taken is drawn by key
    points[5] = 0  # without direction
    np.save(home / "x.npy", points)
    prune.embed(home / "points", str(home / "x.npy"))


def write_selection(home: Path) -> None:
    write_texts(home)
    prune.score(home / "store", str(home / "many.jsonl"), types=["length"])
    prune.select(home / "store", method="random", count=MANY - 5)


def embed(home: Path, place: Path, how: prune.Settings) -> Made:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(Store.write_column.__kwdefaults__, "part_rows", 16)
        prune.embed(place, str(home / "few.jsonl"), settings=how)
    return contents(place / "columns")


def train(home: Path, place: Path, how: prune.Settings) -> Made:
    prune.score(place, str(home / "few.jsonl"), **PROXIES, **FOLDS, settings=how)
    return contents(place / "columns")


def export(home: Path, place: Path, how: prune.Settings) -> Made:
    prune.export(home / "store", out=place, **SHARDS, settings=how)
    return contents(place)


def choose(home: Path, method: str, how: prune.Settings, **asked: Any) -> Made:
    store = home / "points"
    found = prune.select(store, method=method, name="chosen", settings=how, **asked)
    Store(store).publish(selections={"chosen": "other"})  # the next is chosen anew
    assert method != "semdedup" or 100 < found["facts"]["duplicates"] < 300
    assert not list(store.glob(".prune-*"))
    return {"manifest": (store / "selections/chosen/manifest.parquet").read_bytes()}


def partitions(home: Path, _: Path, how: prune.Settings) -> Made:
    return choose(home, "facility_location", how, count=30, partitions=5)


def rounds(home: Path, _: Path, how: prune.Settings) -> Made:
    return choose(home, "kcenter", how, count=30, partitions=5)


def near_copies(home: Path, _: Path, how: prune.Settings) -> Made:
    return choose(home, "semdedup", how, options=["clusters=9"])


@dataclass(frozen=True)
class UnitRow:
    """The units of one verb."""

    module: ModuleType  # asks for an executor there
    unit: str  # the function that does one
    stands: Callable[[Path], None]  # make what there is before
    run: Callable[[Path, Path, prune.Settings], Made]
    doing: tuple[str, ...]  # is said when processes begin
    again: str  # and when a unit is done again
    small: Mapping[str, Any] = field(
        default_factory=dict
    )  # of the module, for units to be small, or worth it
    asked: Mapping[str, Any] = field(default_factory=lambda: {"workers": 2})  # settings that spread them

    def spread(self, patched: pytest.MonkeyPatch, by: int) -> None:
        """Have units done by so many processes, or with 0 by this one, told what others would be told."""
        for name, value in self.small.items():
            patched.setattr(self.module, name, value)
        real = self.module.executor_for

        def executor_for(how: prune.Settings, *words: Any, **more: Any) -> Executor | None:
            if not by:
                return ThisProcess()
            here = replace(how, executor="processes", workers=by)
            executor: Executor | None = real(here, *words, **more | {"memory": 1})  # whatever the machine has
            return executor

        patched.setattr(self.module, "executor_for", executor_for)
        patched.setenv("OMP_NUM_THREADS", "1")  # a unit sets it


ON_A_CLUSTER = {"executor": "ray"}  # threads are quicker on one machine
ROWS = {
    "embed": UnitRow(
        embedding_units,
        "encode_part",
        write_texts,
        embed,
        doing=("encode 6 parts side by side",),
        again=r"does part \d of embedding\.ngrams again$",
    ),
    "proxies": UnitRow(
        proxy_units,
        "train_unit",
        write_texts,
        train,
        doing=("train 4 proxies side by side", "measure 4 parts side by side"),
        again=r"does run [01]\.[01] of the proxy again$",
        small={"_WORTH": dict.fromkeys(proxy_units._WORTH, 0)},
    ),
    "export": UnitRow(
        export_units,
        "write_part",
        write_selection,
        export,
        doing=("write 2 parts side by side",),
        again=r"does shard-00000[03]\.tar( to shard-\d+\.tar)? again$",  # whichever process was there first
        small={"_WORTH": 1},
    ),
    "partitions": UnitRow(
        partition_units,
        "choose_in_partition",
        write_points,
        partitions,
        doing=("choose in 5 parts side by side",),
        again=r"does a partition of facility_location \(\d of 5\) again$",
        asked=ON_A_CLUSTER,
    ),
    "rounds of partitions": UnitRow(
        partition_units,
        "choose_in_partition",
        write_points,
        rounds,
        doing=("choose in 5 parts side by side",),
        again=r"does a partition of kcenter \(\d of 5\) again$",
        asked=ON_A_CLUSTER,
    ),
    "duplicates": UnitRow(
        duplicate_units,
        "compare_lot",
        write_points,
        near_copies,
        doing=("compare 9 parts side by side",),
        again=r"does a lot of clusters \(\d of 9\) again$",
        small={"LOT": 100},
        asked=ON_A_CLUSTER,
    ),
}


def made_alone(factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Made]]:
    """Return what stands before the units of a verb, and what this process alone leaves: made once each."""

    @functools.cache
    def made(name: str) -> tuple[Path, Made]:
        home = factory.mktemp(name)
        ROWS[name].stands(home)
        return home, ROWS[name].run(home, home / "alone", settings())

    return made


@contextlib.contextmanager
def one_worker_killed() -> Iterator[None]:
    """Kill the first worker process that is there, as `kill -9` does."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.01):
            for process in multiprocessing.active_children():
                with contextlib.suppress(ProcessLookupError, ValueError, TypeError):
                    os.kill(process.pid, signal.SIGKILL)
                    return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
