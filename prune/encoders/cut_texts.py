"""Texts that are longer than their encoder looks: how many, and which, beside each part of an embedding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from prune.core.arrays import Rows
from prune.store import CarriedRows, Column, ColumnPart, ColumnWriter

CUT = "cut"  # an attachment of a part: how many of its samples are cut
LONGER = "longer"  # another: their places in the part, ascending; columns of older versions have none


@dataclass(frozen=True)
class CarriedCuts:
    """Which of the rows that are carried over are of texts that were cut."""

    rows: Rows  # ascending, of the dataset as it is now

    @classmethod
    def of(cls, carried: CarriedRows) -> CarriedCuts:
        """Read it from the column that rows are carried from."""
        column, cut = carried.column, np.zeros(len(carried.column), bool)
        for number in column.attachments(LONGER):
            places = json.loads(column.attachment(LONGER, number))
            cut[number * column.part_rows + np.array(places, np.int64)] = True
        there = np.flatnonzero(carried.rows >= 0)
        return cls(there[cut[carried.rows[there]]])

    def places(self, part: ColumnPart) -> list[int]:
        """Return their places in a part."""
        first, stop = np.searchsorted(self.rows, [part.start, part.stop])
        found: list[int] = (self.rows[first:stop] - part.start).tolist()
        return found


def cut_in(column: Column) -> int:
    """Return how many samples of a column were longer than its encoder looks."""
    return sum(json.loads(column.attachment(CUT, number)) for number in column.attachments(CUT))


def note_cut(writer: ColumnWriter, part: ColumnPart, places: Sequence[int]) -> None:
    """Write beside a part which of its samples were cut, before the part itself is there."""
    if places:
        writer.attach(LONGER, part.number, json.dumps(sorted(places)).encode(), "json")
        writer.attach(CUT, part.number, json.dumps(len(places)).encode(), "json")


def told_apart(carried: CarriedRows) -> CarriedRows:
    """Return carried rows without those of parts that say how many of their texts were cut, but not which."""
    column = carried.column
    unknown = set(column.attachments(CUT)) - set(column.attachments(LONGER))
    if not unknown:
        return carried
    parts = carried.rows // column.part_rows
    return CarriedRows(column, np.where(np.isin(parts, list(unknown)), -1, carried.rows))
