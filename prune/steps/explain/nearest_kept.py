"""The nearest kept neighbour of a sample, in the space that a selection was made in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from prune.core.arrays import Array, Rows
from prune.core.column_name import EMBEDDING, ColumnName
from prune.core.errors import MissingColumnError, OptionError, StoreError
from prune.steps.space_columns import embedding_name
from prune.store import Column, Store, StoredSelection

_BLOCK = 65_536  # rows that are float64 at once
_OF = ("metric", "similarity")  # options that say how a method compares


@dataclass(frozen=True)
class Neighbour:
    """A kept sample, and how far it is."""

    row: int
    distance: float
    metric: str  # `euclidean` or `cosine`: 1 − cos
    column: str


class KeptNeighbours:
    """Looks for the nearest kept sample of a row; where there is no embedding, it knows none."""

    def __init__(self, store: Store, chosen: StoredSelection) -> None:
        self._column = _embedding(store, chosen)
        self._kept = chosen.rows
        options: dict[str, Any] = dict(chosen.about.get("options", {}))
        asked = next((options[name] for name in _OF if name in options), "euclidean")
        self._metric = "cosine" if asked == "cosine" else "euclidean"

    def of(self, row: int) -> Neighbour | None:
        """Return the nearest kept sample other than this one. Time O(k·d), memory O(block·d)."""
        kept = self._kept[self._kept != row]
        if self._column is None or not len(kept):
            return None
        point = self._scaled(self._column.read(row, row + 1))
        if not np.isfinite(point).all():
            return None
        best, nearest = np.inf, -1
        for start, values in self._column.blocks():
            here = kept[(kept >= start) & (kept < start + len(values))]
            if len(here):
                distances = self._from(point, values, here - start)
                place = int(np.argmin(distances))
                if distances[place] < best:
                    best, nearest = float(distances[place]), int(here[place])
        return None if nearest < 0 else Neighbour(nearest, best, self._metric, self._column.name)

    def _from(self, point: Array, values: Array, rows: Rows) -> Array:
        found = np.empty(len(rows))
        for at in range(0, len(rows), _BLOCK):
            block = self._scaled(values[rows[at : at + _BLOCK]])
            squares = np.einsum("nd,nd->n", block - point, block - point)
            # of unit vectors, half the square is 1 − cos
            found[at : at + _BLOCK] = squares / 2 if self._metric == "cosine" else np.sqrt(squares)
        return np.where(np.isfinite(found), found, np.inf)

    def _scaled(self, values: Array) -> Array:
        wide = values.astype(np.float64)
        if self._metric != "cosine":
            return wide
        norms = np.linalg.norm(wide, axis=1, keepdims=True)
        return wide / np.where(norms > 0, norms, 1)


def _embedding(store: Store, chosen: StoredSelection) -> Column | None:
    """Return the embedding that the selection was made in, as it was; else the one that is taken anyway."""
    made = chosen.about.get("from", {})
    name = next((name for name in map(ColumnName, made) if name.kind == EMBEDDING), None)
    try:
        if name is not None:
            return store.open_column(name, made[name])
        return store.column(embedding_name(store, None))
    except (MissingColumnError, OptionError, StoreError):
        return None  # a choice by scores needs none, and one that was made again may be gone
