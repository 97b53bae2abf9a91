"""The store as people hold it: a folder of facts, and its tables and arrays."""

from __future__ import annotations

import pyarrow as pa

from prune.core.arrays import Scores
from prune.store.folder import StoreFolder
from prune.store.views import Chosen, chosen, scores, table


class Store(StoreFolder):
    """What is known about one dataset; see `StoreFolder` for how it is read and written."""

    def scores(self) -> dict[str, Scores]:
        """Return every score by name, one float32 a sample, NaN where it has none."""
        return scores(self)

    def selection(self, name: str | None = None) -> Chosen:
        """Return a selection (default: the latest): rows, keys, weights and ranks as arrays.

        Raises
        ------
        StoreError
            There is none of this name, or it is damaged.
        """
        return chosen(self, name)

    def table(self) -> pa.Table:
        """Return one row a sample: key, label, why it cannot be used, its scores, and `selection.NAME`."""
        return table(self)

    def _repr_html_(self) -> str:
        from prune.store.in_notebooks import store_html

        return store_html(self)
