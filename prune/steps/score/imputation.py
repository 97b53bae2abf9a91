"""Imputation: scores of samples that no proxy looked at, from nearest neighbours that one did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Array, Embeddings, Rows
from prune.core.column_name import EXTRAPOLATED
from prune.steps.dataset_session import Opened
from prune.steps.space_columns import of_originals
from prune.store import Column

NEIGHBOURS = 5


class Filling:
    """The neighbours of the samples that have no score, among those of their class that have one.

    A score is about a sample with its label, so neighbours of another class say little: a dog labelled
    cat is hard because no cat looks like it. Classes of which nothing is scored take the neighbours of all.

    Parameters
    ----------
    space
        The embedding that they are near in.
    scored
        Rows that have scores.
    usable
        Rows that are to have them.
    """

    def __init__(self, opened: Opened, space: Column, scored: Rows, usable: Rows) -> None:
        self.rows = np.setdiff1d(usable, scored)
        self.n = len(opened.dataset)
        self.recipe: dict[str, Any] = {
            "neighbours": NEIGHBOURS,
            "of": "the same class, nearest by squared distance, each alike",
            "in": {space.name: space.folder.name},
        }
        vectors = of_originals(space, opened.dataset)
        labels = opened.dataset.labels
        self._near: Rows = np.empty((len(self.rows), NEIGHBOURS), np.int64)
        for label in np.unique(labels[self.rows]):
            here = np.flatnonzero(labels[self.rows] == label)
            peers = scored[labels[scored] == label]
            self._near[here] = _near(opened, vectors, self.rows[here], peers if len(peers) else scored)

    def fill(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Fill scores in, and flag them; deviations stay NaN, and flags False, where nothing was measured."""
        filled = dict(values)
        filled[""] = values[""].copy()
        filled[""][self.rows] = values[""].astype(np.float64)[self._near].mean(axis=1)
        flags: npt.NDArray[np.bool_] = np.zeros(self.n, bool)
        flags[self.rows] = True
        return {**filled, EXTRAPOLATED: flags}


def _near(opened: Opened, vectors: Embeddings, rows: Rows, peers: Rows) -> Rows:
    """Return the nearest peers of each row, (m, NEIGHBOURS); where there are fewer, they come again."""
    from prune.index.neighbours import nearest_to
    from prune.index.space import EmbeddingSpace

    settings = opened.settings
    here, there = (
        EmbeddingSpace(vectors, device=settings.torch_device, rows=which, memory=settings.memory_limit)
        for which in (rows, peers)
    )
    nearest = nearest_to(here, there, NEIGHBOURS).rows
    return peers[nearest[:, np.arange(NEIGHBOURS) % nearest.shape[1]]]
