"""A dataset that changed since columns were made of it: which of their rows are still true, by content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Array, Rows
from prune.store.column import Column
from prune.store.folder import StoreFolder
from prune.store.row_matches import RowMatches, match_rows
from prune.store.samples import Dataset


@dataclass(frozen=True)
class CarriedRows:
    """Rows of a finished column of an earlier state of the dataset."""

    column: Column
    rows: Rows  # (n,) the row of the column that each row of the dataset is now; −1: it has to be computed

    def there(self, start: int, stop: int) -> Array:
        """Return (stop − start,) which rows are there."""
        return self.rows[start:stop] >= 0

    def read(self, start: int, stop: int) -> Array:
        """Return the rows of `start` to `stop` that are there, in their order, checked as they are read."""
        rows = self.rows[start:stop]
        wanted = rows[rows >= 0]
        values = np.empty((len(wanted), *self.column.shape[1:]), self.column.dtype)
        numbers = wanted // self.column.part_rows
        for number in np.unique(numbers).tolist():
            first = number * self.column.part_rows
            here = np.flatnonzero(numbers == number)
            values[here] = self.column.read(first, first + self.column.part_rows)[wanted[here] - first]
        return values

    @property
    def kept(self) -> Rows:
        """The rows of the dataset that are there."""
        return np.flatnonzero(self.rows >= 0)

    def unread(self, samples: pa.Table, start: int) -> pa.Table:
        """Return samples, from row `start` on, of which those that are there are not to be read."""
        known = pa.array(self.there(start, start + len(samples)))
        reasons = pc.if_else(known, "carried over", samples["reason"].combine_chunks())
        place = samples.schema.get_field_index("reason")
        return samples.set_column(place, samples.schema.field("reason"), reasons)

    def over(self, start: int, stop: int, values: Array) -> Array:
        """Return rows `start` to `stop` as they are there, and as `values` has them where they are not."""
        laid = values if values.flags.writeable else values.copy()
        laid[self.there(start, stop)] = self.read(start, stop)
        return laid

    def without(self, rows: Iterable[int]) -> CarriedRows:
        """Return the same without these rows of the column."""
        gone = np.isin(self.rows, np.fromiter(rows, np.int64))
        return CarriedRows(self.column, np.where(gone, -1, self.rows))


Carry = Callable[[str, Mapping[str, Any]], CarriedRows | None]  # given the name and recipe of a column


def nothing_carried(_name: str, _recipe: Mapping[str, Any]) -> None:
    """Carry nothing over."""


def undated(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe without what tells of which state of the dataset a column is."""
    return {name: value for name, value in recipe.items() if name not in {"data", "dataset"}}


class Growth:
    """What of a store's columns can be carried over to the dataset as it is now."""

    def __init__(self, store: StoreFolder, dataset: Dataset, *, anew: bool = False) -> None:
        self._store, self._dataset, self._anew = store, dataset, anew
        self._matches: dict[str, RowMatches | None] = {}
        self._columns: dict[str, Column | None] = {}
        self.taken: dict[str, CarriedRows] = {}  # of columns of samples that were read for this command

    def matches(self, fingerprint: str) -> RowMatches | None:
        """Return how rows match those of an earlier state; None where nothing tells of it any more."""
        if fingerprint not in self._matches:
            old = self._store.earlier_dataset(fingerprint)
            self._matches[fingerprint] = None if old is None else match_rows(old, self._dataset)
        return self._matches[fingerprint]

    def earlier_of(self, name: str) -> tuple[str, str] | None:
        """Return the latest earlier state that has a column, by fingerprint, and the column's identity."""
        if self._anew or not self._store.exists():
            return None
        state, earlier = self._store.state, self._store.earlier.columns.get(name)
        if state.get("dataset") == self._dataset.fingerprint or name not in state["columns"]:
            return earlier
        return state["dataset"], state["columns"][name]

    def beside(self, name: str, other: str) -> bool:
        """Whether two columns are of the same earlier state, the latest that has each of them."""
        one, two = self.earlier_of(name), self.earlier_of(other)
        return one is not None and two is not None and one[0] == two[0]

    def recipe_of(self, name: str) -> Mapping[str, Any]:
        """Return how the column was made that can be carried over; nothing where there is none."""
        column = self.whole(name)
        return {} if column is None else column.recipe

    def carried(self, name: str, fits: Callable[[Mapping[str, Any]], bool]) -> CarriedRows | None:
        """Return the rows of a column that hold for the samples as they are now, by their content alone.

        Parameters
        ----------
        fits
            Whether a column that was made so says of equal content what is asked for.
        """
        before, column = self.earlier_of(name), self.whole(name)
        if before is None or column is None or not fits(column.recipe):
            return None
        matches = self.matches(before[0])
        if matches is None or len(column) != len(matches.old):
            return None
        if matches.old.layout != self._dataset.layout:  # equal bytes are other samples
            return None
        sound = matches.old.samples["reason"].is_null().to_numpy()
        sound[list(column.rejects)] = False
        usable = self._dataset.samples["reason"].is_null().to_numpy()
        rows = np.where(usable, matches.content, -1)
        return CarriedRows(column, np.where((rows >= 0) & sound[rows], rows, -1))

    def made_alike(self, name: str, recipe: Mapping[str, Any]) -> CarriedRows | None:
        """Return the rows of a column that was made so of an earlier state, and note that they are taken."""
        asked = undated(recipe)
        found = self.carried(name, lambda made: undated(made) == asked)
        if found is not None:
            self.taken[name] = found
        return found

    def whole(self, name: str) -> Column | None:
        """Return the column of the latest earlier state that has one, if all of it is as it was written."""
        before = self.earlier_of(name)
        if before is None:
            return None
        if before[1] not in self._columns:
            self._columns[before[1]] = self._store.whole_column(name, before[1])
        return self._columns[before[1]]
