"""Groups that a budget is split over instead of classes: the values of columns, crossed if several.

Samples without a value are a group of their own. Groups are in the order of their values, numbers before
words, so that neither the order of the dataset nor its files decide how a remainder is dealt out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Labels, Rows
from prune.core.errors import OptionError
from prune.steps.columns.known import ColumnValues
from prune.store import Dataset, Store

MOST = 10_000  # groups
_FEW = 20  # groups that are never too many
_LISTED = 100  # groups whose counts a selection names one by one
_BETWEEN = " / "
_EXACT = 2**53  # whole numbers below are told apart as floats


@dataclass(frozen=True)
class ColumnGroups:
    """Which group every sample is of."""

    columns: Sequence[str]
    ids: Labels  # (n,), from 0
    names: Sequence[str]  # by id
    lacking: Sequence[int]  # ids of groups without a value of some column

    def described(self, eligible: Rows, kept: Rows) -> dict[str, Any]:
        """Return what `selection.json` says: how much each group keeps of what it may keep."""
        of = np.bincount(self.ids[eligible], minlength=len(self.names))
        own = np.bincount(self.ids[kept], minlength=len(self.names))
        there = np.flatnonzero(of)
        shares = own[there] / of[there]
        ends = {"least_kept": there[int(np.argmin(shares))], "most_kept": there[int(np.argmax(shares))]}
        return {
            "columns": list(self.columns),
            "groups": len(there),
            "without_value": int(of[list(self.lacking)].sum()),
            **{what: self._count(int(group), own, of) for what, group in ends.items()},
            "kept": [self._count(int(group), own, of) for group in there] if len(there) <= _LISTED else None,
        }

    def column(self) -> pa.Array:
        """Return the name of the group of every sample, for the manifest."""
        return pa.array(self.names, pa.string()).take(pa.array(self.ids))

    def _count(self, group: int, own: Any, of: Any) -> dict[str, Any]:
        return {"group": self.names[group], "kept": int(own[group]), "of": int(of[group])}


def column_groups(store: Store, dataset: Dataset, columns: Sequence[str]) -> ColumnGroups | None:
    """Return the groups of the values of these columns; None of no columns.

    Raises
    ------
    OptionError
        They tell nearly all samples apart.
    """
    if not columns:
        return None
    values = ColumnValues(store, dataset, columns)
    ids = np.zeros(len(dataset), np.int64)
    names: list[tuple[str, ...]] = [()]
    lacking = np.zeros(1, bool)
    for column in columns:
        codes, found = values.coded(column, MOST)
        order = sorted(range(len(found)), key=lambda place: _rank(found[place]))
        ranks = np.empty(len(found) + 1, np.int64)
        ranks[order], ranks[-1] = np.arange(len(found)), len(found)  # code −1: no value, the last
        width = len(found) + 1
        crossed, ids = np.unique(ids * width + ranks[codes], return_inverse=True)
        own = [_said(found[place]) for place in order] + [f"(no {column})"]
        names = [(*names[pair // width], own[pair % width]) for pair in crossed.tolist()]
        lacking = lacking[crossed // width] | (crossed % width == len(found))
        _require_groups(columns, len(names), len(dataset.usable))
    return ColumnGroups(
        columns, ids, [_BETWEEN.join(name) for name in names], np.flatnonzero(lacking).tolist()
    )


def _require_groups(columns: Sequence[str], groups: int, n: int) -> None:
    if groups > MOST or (groups > _FEW and 2 * groups > n):
        what = f"--by {','.join(columns)} makes {groups:,} groups of {n:,} samples"
        raise OptionError(f"{what}: it tells samples apart, and no groups", "--by a column with fewer values")


def _rank(value: Any) -> tuple[int, Any]:
    return (1, value) if isinstance(value, str) else (0, value)


def _said(value: Any) -> str:
    """Return a value in words, which differ where values do; whole numbers as such, of whatever type."""
    if isinstance(value, bool):
        return str(value).lower()
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return str(int(value) if whole else value)
