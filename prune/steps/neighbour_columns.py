"""Neighbours as columns of the store: found once, in parts, for every method that asks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import ColumnName
from prune.core.errors import OutputError
from prune.core.progress import Reporter
from prune.core.safe_text import size
from prune.index.kept_neighbours import Nearest, Neighbours, NeighbourSearch
from prune.steps.duplicate_units import DuplicateUnits
from prune.store import Column, Store, identity
from prune.store.column import ColumnWriter
from prune.system.disk_space import require_room

WORTH = 2e11  # n²·width: some seconds of two cores; what takes less is found again sooner than it is checked
MOST = 2 * 10**9  # bytes of a column: more than that is a lot to leave on somebody's disk unasked
PART_ROWS = 8192  # a part is a search of seconds
EACH = 8  # bytes of a neighbour: its row, and its squared distance


class NeighbourColumns:
    """Keeps the neighbours of all samples of one embedding; the store is held for writing.

    Parameters
    ----------
    embedding
        A column that the store shows.
    dataset
        Fingerprint of the samples, whose duplicates have the numbers of their originals.
    units
        What compares samples of clusters beside this process.
    """

    def __init__(
        self,
        store: Store,
        embedding: Column,
        dataset: str,
        reporter: Reporter,
        units: DuplicateUnits | None = None,
    ) -> None:
        self._store, self._reporter, self._units = store, reporter, units
        self._embedding = ColumnName(embedding.name)
        self._origin = {"embedding": identity(embedding.recipe), "dataset": dataset}

    def neighbours(self, search: NeighbourSearch) -> Neighbours:
        """Return what the search finds; kept, where finding it again would take longer than reading it."""
        n, width = search.size
        if float(n) ** 2 * width < WORTH:
            return search.whole()
        name = ColumnName.neighbours(search.place[0], self._embedding)
        kept = self._kept(name, search)
        if kept is not None:
            self._reporter.say(f"the nearest of every sample are there already: {name}")
            return _first(kept, search)
        recipe = self._recipe(search, search.count)
        if not self._has_room(self._store.path, search):
            return search.whole()
        writer = self._store.write_column(name, recipe, rows=n, part_rows=PART_ROWS)
        self._reporter.say(f"{name} keeps the {search.count} nearest of every sample: {size(_bytes(search))}")
        if search.kind == "exact":
            _write_parts(writer, search, self._reporter)
            found = _first(writer.finish(), search)
        else:
            found = search.whole()
            _write_whole(writer, found)
            writer.finish()
        self._publish(name, recipe)
        return found

    def nearest_kept(self, groups: Sequence[Rows], fixed: Sequence[int], reach: float) -> Nearest | None:
        """Return what samples of clusters are near to, where others compare them."""
        return None if self._units is None else self._units.nearest_kept(groups, fixed, reach)

    def _kept(self, name: str, search: NeighbourSearch) -> Column | None:
        """Return a column that holds what the search would find, if there is one, whole: shown or not yet."""
        recipes = [self._recipe(search, search.count)]
        there: Mapping[str, Any] = self._store.recipe_of(name) or {}
        count = there.get("count")
        if isinstance(count, int) and count > search.count and there == self._recipe(search, count):
            recipes.insert(0, dict(there))  # of an exact search, whose first few will do
        for recipe in recipes:
            column = self._store.whole_column(name, identity(recipe))
            if column is not None:
                self._publish(name, recipe)
                return column
        return None

    def _recipe(self, search: NeighbourSearch, count: int) -> dict[str, Any]:
        """Return how a column of so many neighbours is made."""
        metric, device = search.place
        recipe = {**self._origin, "metric": metric, "count": count, "search": search.kind, "version": 1}
        if search.kind == "exact":
            return recipe
        asked = {"seed": search.seed, "device": device, "count": search.count}
        return {**recipe, **asked}  # what the lists find hangs on how they were made, and for how many

    def _has_room(self, place: Path, search: NeighbourSearch) -> bool:
        """Whether the column is small enough for its disk; say where it is not."""
        needed = _bytes(search)
        if needed > MOST:
            self._reporter.say(f"{size(needed)} of neighbours are not kept: at most {size(MOST)} are")
            return False
        try:
            require_room(place, needed)
        except OutputError as error:
            self._reporter.say(f"neighbours are not kept: {error}")
            return False
        return True

    def _publish(self, name: str, recipe: Mapping[str, Any]) -> None:
        self._store.publish(columns={name: identity(recipe)})


def _write_parts(writer: ColumnWriter, search: NeighbourSearch, reporter: Reporter) -> None:
    """Write what is missing: all of it in one search, in which two samples meet once; else part by part."""
    missing = list(writer.missing())
    if len(missing) == len(writer.parts):
        found = search.parts(writer.part_rows)
    else:
        found = (search.part(part.start, part.stop) for part in missing)
    with reporter.stage("neighbours", writer.rows) as advance:
        advance(writer.rows - sum(part.stop - part.start for part in missing))
        for part, nearest in zip(missing, found, strict=True):
            writer.put(part, _packed(nearest, slice(None)))
            advance(part.stop - part.start)


def _write_whole(writer: ColumnWriter, found: Neighbours) -> None:
    for part in writer.missing():
        writer.put(part, _packed(found, slice(part.start, part.stop)))
    writer.attach("recall", 0, json.dumps(found.recall).encode(), "json")


def _packed(found: Neighbours, span: slice) -> Array:
    """(b, count, 2) int32: the row, and the bits of the squared distance."""
    packed = np.empty((*found.rows[span].shape, 2), np.int32)
    packed[..., 0] = found.rows[span]
    packed[..., 1] = found.squares[span].view(np.int32)
    return packed


def _first(column: Column, search: NeighbourSearch) -> Neighbours:
    """Read the first neighbours of all samples, as many as were asked for."""
    count = search.count
    rows: Rows = np.empty((len(column), count), np.int64)
    squares = np.empty((len(column), count), np.float32)
    for start, block in column.blocks():
        span = slice(start, start + len(block))
        rows[span] = block[:, :count, 0]
        squares[span] = np.ascontiguousarray(block[:, :count, 1]).view(np.float32)
    exact = search.kind == "exact"
    return Neighbours(
        rows, squares, search.kind, 1.0 if exact else json.loads(column.attachment("recall", 0))
    )


def _bytes(search: NeighbourSearch) -> int:
    return EACH * search.size[0] * search.count
