"""Facts from elsewhere find their sample by its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.arrays import Rows
from prune.errors import DataError
from prune.store.samples import Dataset

KEY = "key"  # name of the column that holds the keys
_SHOWN = 3


def match_keys(dataset: Dataset, keys: pa.ChunkedArray, source: str) -> Rows:
    """Find where each sample stands in a file.

    Parameters
    ----------
    keys
        The `key` column of the file, text or whole numbers. Keys that the dataset does not have are left out.
    source
        The file, for the error.

    Returns
    -------
    (n,)
        Position in the file of every sample; −1 where it has none, which only rejected samples may lack.

    Raises
    ------
    DataError
        A key stands twice in the file, or a usable sample's key does not stand in it.
    """
    try:
        keys = pc.cast(keys, pa.string())
    except pa.ArrowException as error:
        raise DataError(
            f"the column 'key' of {source} is {keys.type}, not text", "store the keys as text"
        ) from error
    counts = pc.value_counts(keys)
    often = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if len(often):
        raise DataError(f"{source} holds {count('key', often)} more than once", "keep one row for each key")
    positions = pc.fill_null(pc.index_in(dataset.samples[KEY], value_set=keys), -1).to_numpy()
    usable = dataset.usable
    lacking = usable[positions[usable] < 0]
    if len(lacking):
        hint = "the column 'key' must hold the keys of this dataset, as the manifest of a selection has them"
        raise DataError(f"{source} lacks {count('key', dataset.samples[KEY].take(pa.array(lacking)))}", hint)
    return positions.astype(np.int64)


def count(noun: str, values: pa.Array | Sequence[Any]) -> str:
    """Count values and show the first three: `4 keys ('a', 'b', 'c', …)`."""
    shown = values[:_SHOWN]
    texts = [repr(v) for v in (shown.to_pylist() if hasattr(shown, "to_pylist") else shown)]
    rest = ", …" if len(values) > _SHOWN else ""
    return f"{len(values)} {noun}{'s' if len(values) != 1 else ''} ({', '.join(texts)}{rest})"
