"""Partitions of a choice as units of work: whoever sees the store can choose in any of them.

A unit is told a folder in the store, and the number of a partition. It reads which samples these are from
there, and what they are from the columns, and leaves the positions that it chose in a file of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.core.sample_keys import SampleKeys
from prune.selectors import SELECTORS
from prune.steps.select.by_class import ChoiceTask, Material, choose_in
from prune.steps.select.partitions import Partition
from prune.steps.settings import Settings
from prune.steps.shared_space import described, opened, require_here
from prune.steps.space_columns import SpaceSource
from prune.steps.unit_executor import executor_for, run_units
from prune.store import Dataset, Store
from prune.system import files
from prune.system.executors.executor import Executor
from prune.system.memory import resident
from prune.system.scratch import scratch_folder


@dataclass(frozen=True)
class PartitionUnits:
    """Chooses in partitions beside this process, where the settings say so; the store is held for writing."""

    store: Store
    dataset: Dataset
    space: SpaceSource
    settings: Settings

    def __call__(self, task: ChoiceTask, parts: Sequence[Partition]) -> list[Rows] | None:
        """Return the positions that each partition keeps; None: not here."""
        if self.settings.executor != "ray":  # threads share what they look at, and processes would not
            return None
        memory = resident() + self.space.memory
        executor = executor_for(self.settings, "choose in", len(parts), memory=memory)
        return None if executor is None else self.spread(executor, task, parts)

    def spread(self, executor: Executor, task: ChoiceTask, parts: Sequence[Partition]) -> list[Rows]:
        """Have every partition chosen in by an executor."""
        said = f"a partition of {task.method.name} ({{}} of {len(parts)})"
        with scratch_folder(self.store.path) as folder:
            for number, part in enumerate(parts):
                files.write(folder / f"rows-{number}.npy", _packed(part.rows))
            spec, numbers = json.dumps(self._described(task, parts, folder)), range(len(parts))
            with self.settings.reporter.stage(f"select in {len(parts)} partitions", len(parts)) as advance:
                found = run_units(executor, choose_in_partition, spec, numbers, name=said.format)
                with closing(found):  # type: ignore[type-var]
                    for _ in found:
                        advance(1)
            return [_kept(folder, number) for number in numbers]

    def _described(self, task: ChoiceTask, parts: Sequence[Partition], folder: Path) -> Mapping[str, Any]:
        """Return all that decides what a partition keeps, as plain values."""
        return {
            **described(self.store, self.dataset, self.space),
            "folder": str(folder),
            "method": task.method.name,
            "options": dict(task.options),
            "seed": task.seed,
            "free": [part.free for part in parts],
            "wanted": [part.wanted for part in parts],
        }


def choose_in_partition(spec: str, number: int) -> str:
    """Choose in one partition; return the name of the file that says which positions it keeps."""
    asked = json.loads(spec)
    task, material = _task(asked)
    place = Path(asked["folder"]) / f"kept-{number}.npy"
    rows = np.load(Path(asked["folder"]) / f"rows-{number}.npy", allow_pickle=False)
    part = Partition(rows, asked["free"][number], asked["wanted"][number])
    files.write(place, _packed(choose_in(part, task, material)))
    return place.name


def _packed(rows: Rows) -> bytes:
    packed = io.BytesIO()
    np.lib.format.write_array(packed, rows, allow_pickle=False)
    return packed.getvalue()


def _kept(folder: Path, number: int) -> Rows:
    place = folder / f"kept-{number}.npy"
    require_here(place)
    kept: Rows = np.load(place, allow_pickle=False)
    return kept


def _task(asked: Mapping[str, Any]) -> tuple[ChoiceTask, Material]:
    """Return what all partitions are chosen from, and how."""
    dataset, space = opened(asked)
    keys, none = dataset.samples["key"].combine_chunks(), np.empty(0, np.int64)
    method, options = SELECTORS[asked["method"]], asked["options"]
    task = ChoiceTask(method=method, rows=none, k=None, seed=asked["seed"], options=options)
    return task, Material(labels=dataset.labels, keys=lambda rows: SampleKeys(keys, rows), space=space.space)
