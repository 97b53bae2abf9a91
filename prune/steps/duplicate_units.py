"""Clusters whose samples meet one another as units of work: a lot of them at a time.

A unit is told a folder in the store, and the number of a lot. It reads which samples are in the clusters from
there, and what they are from the columns, and leaves what each is near to in a file of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Rows
from prune.index.kept_neighbours import Nearest
from prune.steps.settings import Settings
from prune.steps.shared_space import described, opened, require_here
from prune.steps.space_columns import SpaceSource
from prune.steps.unit_executor import executor_for, run_units
from prune.store import Dataset, Store
from prune.system import files
from prune.system.executors.executor import Executor
from prune.system.memory import resident
from prune.system.scratch import scratch_folder

LOT = 2**18  # samples whose clusters are a unit: minutes of one core


@dataclass(frozen=True)
class DuplicateUnits:
    """Compares samples of clusters beside this process, where the settings say so; under the store's lock."""

    store: Store
    dataset: Dataset
    space: SpaceSource
    settings: Settings

    def nearest_kept(self, groups: Sequence[Rows], fixed: Sequence[int], reach: float) -> Nearest | None:
        """Return what `prune.index.duplicates` finds under the cosine; None: not here."""
        if self.settings.executor != "ray":  # threads share what they look at, and processes would not
            return None
        lots, width = len(list(_lots(groups))), self.space.like.width
        executor = executor_for(self.settings, "compare", lots, memory=resident() + 8 * LOT * width)
        return None if executor is None else self.spread(executor, groups, fixed, reach)

    def spread(
        self, executor: Executor, groups: Sequence[Rows], fixed: Sequence[int], reach: float
    ) -> Nearest:
        """Have every lot of clusters compared by an executor."""
        n = len(self.dataset)
        found = Nearest(np.full(n, np.inf), np.full(n, -1, np.int64), np.ones(n, bool))
        spans = list(_lots(groups))
        with scratch_folder(self.store.path) as folder:
            for number, span in enumerate(spans):
                sizes = [len(group) for group in groups[span]]
                rows = np.concatenate(groups[span])
                lot = _packed(rows=rows, sizes=sizes, fixed=fixed[span])
                files.write(folder / f"lot-{number}.npz", lot)
            about = described(self.store, self.dataset, self.space)
            spec = json.dumps({**about, "folder": str(folder), "reach": reach})
            said = f"a lot of clusters ({{}} of {len(spans)})"
            with self.settings.reporter.stage("compare inside clusters", n) as advance:
                done = run_units(executor, compare_lot, spec, range(len(spans)), name=said.format)
                with closing(done):  # type: ignore[type-var]
                    for number, _ in enumerate(done):
                        advance(_take(found, folder, number))
        return found


def compare_lot(spec: str, number: int) -> str:
    """Let the samples of a lot of clusters meet; return the name of the file that says what came of it."""
    from prune.index.duplicates import nearest_kept

    asked = json.loads(spec)
    folder = Path(asked["folder"])
    with np.load(folder / f"lot-{number}.npz", allow_pickle=False) as lot:
        rows, sizes, fixed = lot["rows"], lot["sizes"], lot["fixed"]
    order = np.sort(rows)  # ties go to the lower row, so they stand as they do among all
    groups = np.split(np.searchsorted(order, rows), np.cumsum(sizes)[:-1])
    space = opened(asked)[1].space(order).under("cosine")
    near = nearest_kept(space, groups, fixed.tolist(), asked["reach"])
    who = np.where(near.who >= 0, order[near.who], -1)
    met = _packed(rows=order, squares=near.squares, who=who, kept=near.kept)
    files.write(folder / f"near-{number}.npz", met)
    return f"near-{number}.npz"


def _packed(**arrays: Any) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _take(found: Nearest, folder: Path, number: int) -> int:
    """Take over what came of a lot; return how many samples it has."""
    require_here(folder / f"near-{number}.npz")
    with np.load(folder / f"near-{number}.npz", allow_pickle=False) as lot:
        rows = lot["rows"]
        found.squares[rows], found.who[rows], found.kept[rows] = lot["squares"], lot["who"], lot["kept"]
    return len(rows)


def _lots(groups: Sequence[Rows]) -> Iterator[slice]:
    """Yield spans of clusters that have no more samples together than a lot, unless it is one cluster."""
    start, size = 0, 0
    for at, rows in enumerate(groups):
        if size and size + len(rows) > LOT:
            yield slice(start, at)
            start, size = at, 0
        size += len(rows)
    if size:
        yield slice(start, len(groups))
