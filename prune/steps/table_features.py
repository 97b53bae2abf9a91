"""The features that a table holds itself: `--features-column` of a dataset without images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from prune.core.arrays import Embeddings, Rows
from prune.core.errors import DataError
from prune.readers.huggingface import HuggingFace
from prune.readers.tables.sample import row_bytes
from prune.store import Dataset


class TableFeatures:
    """Rows of a dataset as features; see `prune.encoders.features.Features`."""

    def __init__(self, reader: HuggingFace, dataset: Dataset) -> None:
        self.source = f"{reader.root}, column {reader.features_column}"
        self._reader, self._dataset = reader, dataset
        first = dataset.samples["image_size"].take(pa.array(dataset.usable[:1]))
        self._width = (first[0].as_py() or 4) // 4 if len(first) else 1

    def rows(self, rows: Rows) -> Embeddings:
        """Return a new (k, d) float32 array of rows that ascend; NaN where a row has no features.

        Raises
        ------
        DataError
            A list has another length than the first.
        """
        features = np.full((len(rows), self._width), np.nan, np.float32)
        at = 0
        for lists in self._reader.numbers(self._dataset.samples.take(pa.array(rows))):
            for data in row_bytes(pa.chunked_array([lists])):
                if data is not None:
                    if len(data) != 4 * self._width:
                        lengths = f"{len(data) // 4} and {self._width}"
                        raise DataError(f"{self.source} has lists of different lengths: {lengths}")
                    features[at] = np.frombuffer(data, "<f4")
                at += 1
        return features

    def blocks(self, usable: Rows, size: int) -> Iterator[tuple[Embeddings, Rows]]:
        """Yield the features of all `usable` rows and which rows these are."""
        for start in range(0, len(usable), size):
            rows = usable[start : start + size]
            yield self.rows(rows), rows
