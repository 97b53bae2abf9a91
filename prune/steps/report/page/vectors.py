"""Some rows of an embedding, read part by part: the whole is never in memory."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Array, Rows
from prune.store import Column


def vectors_of(column: Column, rows: Rows) -> Array:
    """(k, d) float32, in the order of these rows, which ascend."""
    blocks = []
    for start in range(0, len(column), column.part_rows):
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + column.part_rows)]
        if len(here):
            blocks.append(column.read(start, start + column.part_rows)[here - start].astype(np.float32))
    return np.concatenate(blocks) if blocks else np.empty((0, *column.shape[1:]), np.float32)
