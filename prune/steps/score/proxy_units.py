"""Trainings of proxies, and parts of what their networks say of samples, as units of work."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import EMBEDDING, IMAGES, NGRAMS
from prune.core.errors import StoreError
from prune.core.progress import Advance
from prune.proxy import NETWORK_NEEDS, Proxy, Training, drawn_again, planned, trace_recipe
from prune.proxy.disk_footprint import require_room_for
from prune.proxy.inputs import Inputs
from prune.proxy.run import priced, training_left
from prune.proxy.torch_device import repeatable
from prune.steps.dataset_session import Opened
from prune.steps.unit_executor import (
    SHARED,
    dataset_of,
    executor_for,
    part_made,
    part_there,
    require_here,
    run_units,
)
from prune.store import Column, ColumnWriter, Dataset, Store, identity
from prune.system.cores import thread_count
from prune.system.executors.executor import Executor, Processes
from prune.system.memory import resident

_STEP = 256 << 20  # bytes of memory of a training step, or of a batch of gradients
_GLANCE = 1.0  # seconds between two looks at what is trained
_WORTH = {  # samples that pass through a network while a process begins, in some seconds
    IMAGES: 20_000,  # of 32 pixels
    NGRAMS: 500_000,
    EMBEDDING: 2_000_000,
}

Unit = Mapping[str, Any]  # run, share and trace of a proxy; and what is measured, and the part of it


@dataclass(frozen=True)
class ProxyUnits:
    """Trains proxies, and measures with their networks, beside this process where that is worth it.

    Columns stay open: this process finishes them, with what is left.
    """

    opened: Opened
    inputs: Column
    training: Training
    usable: Rows

    def train(self, proxies: Sequence[Proxy]) -> None:
        """Train what is not trained; one that was begun goes on."""
        store, settings = self.opened.store, self.opened.settings
        place = store, self.opened.dataset, self.inputs, self.training
        plan = planned(*place, proxies, device=settings.torch_device)
        left = [(proxy, one) for proxy, one in zip(proxies, plan, strict=True) if one.done < one.of]
        if not self._worth(sum(self._seen_by(proxy) * (one.of - one.done) for proxy, one in left)):
            return
        executor = self._executor("train", len(left), of="proxies", goes_on=True)
        if executor is None:
            return
        made = {"rows": self.training.last, "part_rows": 1}
        writers = [store.write_column(one.name, one.recipe, **made) for _, one in left]
        epochs = sum(one.of - one.done for _, one in left)
        units = [_unit(proxy, one.identity) for proxy, one in left]
        with (
            settings.reporter.stage(self._stage(proxies), epochs, "epochs") as advance,
            _seen(writers, advance),
        ):
            self._done(executor, train_unit, units, writers, priced, _nothing)

    def measure(self, need: str, proxies: Sequence[Proxy], columns: Mapping[str, str]) -> None:
        """Write parts of what some score needs of the networks; `columns` are name to identity."""
        column, store, settings = NETWORK_NEEDS[need], self.opened.store, self.opened.settings
        writers, units = list[ColumnWriter](), list[Unit]()
        for proxy in proxies:
            trace = store.open_column(proxy.trace, columns[proxy.trace])
            recipe = column.made_of(trace, column.epoch(self.training), settings.torch_device)
            writer = column.begun(store, len(self.opened.dataset), proxy, recipe)
            parts = list(writer.missing())
            writers += [writer] * len(parts)
            of = _unit(proxy, columns[proxy.trace])
            units += [{**of, "need": need, "part": part.number} for part in parts]
        few = settings.executor != "ray" and len(units) < 2 * settings.workers
        if few or not self._worth(sum(map(self._seen_by, proxies))):
            return
        executor = self._executor("measure", len(units))
        if executor is None:
            return
        with settings.reporter.stage(column.stage, len(units), "parts") as advance:
            self._done(executor, measure_unit, units, writers, identity, advance)

    def _stage(self, left: Sequence[Proxy]) -> str:
        names = " to ".join(dict.fromkeys((left[0].name, left[-1].name)))
        return f"training {self.training.proxy}, {'runs' if len(left) > 1 else 'run'} {names}"

    def _seen_by(self, proxy: Proxy) -> int:
        """Return the samples that pass through a proxy in an epoch."""
        share = proxy.share
        return 2 * len(self.usable) if share is None else len(share.learnt) + len(share.watched)

    def _worth(self, passes: int) -> bool:
        """Whether processes have begun long before so many samples have passed through a network."""
        if self.opened.settings.executor == "ray":
            return True
        pixels = (self.training.size / 32) ** 2 if self.training.of_images else 1.0
        return passes * pixels >= 2 * _WORTH[self.training.looks_at]

    def _executor(self, what: str, units: int, **more: Any) -> Executor | None:
        settings, dataset = self.opened.settings, self.opened.dataset
        gpu = settings.torch_device == "cuda"
        if not units or (gpu and settings.executor != "ray"):  # side by side on that one in any case
            return None
        facts = len(dataset) * (2 * len(dataset.classes) + 18)  # predictions and facts of an epoch
        return executor_for(settings, what, units, memory=resident() + facts + _STEP, gpu=gpu, **more)

    def _done(
        self,
        executor: Executor,
        work: Callable[[str, Unit], tuple[str, float]],
        units: Sequence[Unit],
        writers: Sequence[ColumnWriter],
        key: Callable[[Mapping[str, Any]], str],
        advance: Advance,
    ) -> None:
        """Have units done, each a part of a writer's column; `key` is what its seconds are kept under."""
        found = run_units(executor, work, self._described(executor), units, name=_called)
        with _shared_cost(self.opened.store) as took, contextlib.closing(found):  # type: ignore[type-var]
            for writer, (file, seconds) in zip(writers, found, strict=True):
                require_here(writer, file)
                took.append((key(writer.recipe), seconds))
                advance(1)

    def _described(self, executor: Executor) -> str:
        """Return all that units share, as text."""
        opened, inputs = self.opened, self.inputs
        known = np.setdiff1d(opened.dataset.usable, np.array(sorted(inputs.rejects), np.int64))
        apart = executor.count if isinstance(executor, Processes) else thread_count()
        spec = {
            "store": str(opened.store.path.absolute()),
            "dataset": opened.fingerprint,
            "inputs": [inputs.name, identity(inputs.recipe)],
            "training": self.training.recipe,
            "left_out": np.setdiff1d(known, self.usable).tolist(),  # what no reject of the inputs says
            "device": opened.settings.torch_device,
            "threads": max(1, thread_count() // apart),
        }
        return json.dumps(spec)


def train_unit(spec: str, unit: Unit) -> tuple[str, float]:
    """Train a proxy, or go on with it; return the file of its last epoch, and the seconds."""
    began, session = time.perf_counter(), _session(spec)
    proxy, training = session.proxy(unit), session.training
    asked = session.store, session.dataset, session.inputs, training
    recipe = trace_recipe(*asked[1:], proxy.run, session.device, share=proxy.share)
    if identity(recipe) != unit["trace"]:
        raise StoreError(f"{_called(unit)} would be trained in another way here", _ALIKE)
    writer = session.store.write_column(proxy.trace, recipe, rows=training.last, part_rows=1)
    with session.repeatable():
        left = training_left(session.store, writer, session.fed, training, proxy)
        require_room_for([left] if left.work else [])
        left.train(_nothing, _nothing)
    return part_made(writer, training.last - 1), time.perf_counter() - began


def measure_unit(spec: str, unit: Unit) -> tuple[str, float]:
    """Write a part of what a network says, unless it is there; return its file, and the seconds."""
    began, session, column = time.perf_counter(), _session(spec), NETWORK_NEEDS[unit["need"]]
    proxy = session.proxy(unit)
    trace = session.store.open_column(proxy.trace, unit["trace"])
    recipe = column.made_of(trace, column.epoch(session.training), session.device)
    writer = column.begun(session.store, len(session.dataset), proxy, recipe)
    if part_there(writer, unit["part"]) is None:
        with session.repeatable():
            column.fill(writer, [writer.parts[unit["part"]]], trace, proxy.fed(session.fed))
    return part_made(writer, unit["part"]), time.perf_counter() - began


@dataclass(frozen=True)
class _ProxySession:
    """What a process keeps from one unit to the next."""

    store: Store
    dataset: Dataset
    inputs: Column
    fed: Inputs
    training: Training
    usable: Rows
    device: str

    def repeatable(self) -> contextlib.AbstractContextManager[None]:
        """Let torch compute as where proxies are trained one after the other."""
        import torch

        return repeatable(torch.device(self.device))

    def proxy(self, unit: Unit) -> Proxy:
        """Return the proxy of a unit, with what it learns from.

        Raises
        ------
        StoreError
            It is not the same here.
        """
        if unit["share"] is None:
            return Proxy(unit["run"])
        share = drawn_again(self.dataset, self.usable, unit["share"], unit["run"])
        if share.recipe != unit["share"]:
            raise StoreError(f"{_called(unit)} would learn from other samples here", SHARED)
        return Proxy(unit["run"], share)


@functools.lru_cache(maxsize=1)
def _session(spec: str) -> _ProxySession:
    import torch

    asked = json.loads(spec)
    os.environ["OMP_NUM_THREADS"] = str(asked["threads"])  # bits do not depend on it
    store = Store(asked["store"])
    dataset = dataset_of(store, asked["dataset"])
    inputs = store.open_column(*asked["inputs"])
    left_out = np.array([*sorted(inputs.rejects), *asked["left_out"]], np.int64)
    usable = np.setdiff1d(dataset.usable, left_out)
    fed = Inputs(inputs, dataset, torch.device(asked["device"]))
    return _ProxySession(store, dataset, inputs, fed, Training(**asked["training"]), usable, asked["device"])


def _unit(proxy: Proxy, trace: str) -> Unit:
    share = None if proxy.share is None else dict(proxy.share.recipe)
    return {"run": proxy.run, "name": proxy.name, "share": share, "trace": trace}


def _called(unit: Unit) -> str:
    proxy = f"run {unit['name']} of the proxy"
    return f"part {unit['part']} of the {unit['need']} of {proxy}" if "part" in unit else proxy


@contextlib.contextmanager
def _seen(writers: Sequence[ColumnWriter], advance: Advance) -> Iterator[None]:
    """Advance by the epochs that others write: they are seen where they lie."""
    over = threading.Event()

    def count() -> int:
        return sum(len(list(writer.folder.glob("part-*"))) for writer in writers)

    def watch(before: int) -> None:
        last = False
        while not last:
            last = over.wait(_GLANCE)
            now = count()
            advance(max(0, now - before))  # a damaged one is removed first
            before = now

    watcher = threading.Thread(target=watch, args=(count(),), name="epochs")
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextlib.contextmanager
def _shared_cost(store: Store) -> Iterator[list[tuple[str, float]]]:
    """Keep what columns took: their shares of the time that passes, as they are made side by side."""
    took, began = list[tuple[str, float]](), time.perf_counter()
    try:
        yield took
    finally:
        whole = sum(seconds for _, seconds in took)
        share = min(1.0, (time.perf_counter() - began) / max(whole, 1e-9))
        for key, seconds in took:
            store.add_cost(key, seconds * share)


def _nothing(_: float) -> None:
    """Tell nobody."""


_ALIKE = "let all machines have the same precision and version of prune, and see the same store"
