"""Features that were computed elsewhere, of the samples that a store holds out: rows of the same matrix."""

from __future__ import annotations

import numpy as np

from prune.core.column_name import ColumnName
from prune.core.errors import OptionError
from prune.core.safe_text import counted
from prune.core.store_option import in_store
from prune.encoders import PRECOMPUTED
from prune.store import Column, Dataset, Store, identity

_NAME = ColumnName.embedding(PRECOMPUTED)


def hand_on_features(store: Store, part: Store, held_out: Dataset) -> None:
    """Write the features of held-out samples into the store of the part, where the whole one has any.

    Parameters
    ----------
    store, part
        Of the whole dataset, and of what it holds out; the caller holds both for writing.
    held_out
        The part: the same rows, of which only those held out are usable.

    Raises
    ------
    OptionError
        The matrix had no numbers for some of them.
    """
    if _NAME not in store.columns:
        return
    known: Column = store.column(_NAME)
    writer = part.write_column(_NAME, known.recipe, rows=len(known), part_rows=known.part_rows)
    if not writer.finished:
        values = known.read()
        _require_numbers(values[held_out.usable], store)
        held = np.zeros(len(values), bool)
        held[held_out.usable] = True
        for rows in writer.missing():
            block = np.array(values[rows.start : rows.stop])
            block[~held[rows.start : rows.stop]] = np.nan
            writer.put(rows, block)
        writer.finish()
    part.publish(dataset=held_out.fingerprint, columns={_NAME: identity(known.recipe)})


def _require_numbers(values: np.ndarray, store: Store) -> None:
    lacking = int((~np.isfinite(values).all(1)).sum())
    if lacking:
        raise OptionError(
            f"{_NAME} has no features of {counted(lacking, 'sample')} held out",
            in_store("prune embed --features FILE", str(store.path)) + "   # a row for those held out too",
        )
