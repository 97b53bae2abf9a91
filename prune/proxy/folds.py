"""Folds put together: of every sample, what the proxy saw that did not train on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prune.core.arrays import Array
from prune.core.column_name import TRACE, ColumnName
from prune.proxy.run import Proxy
from prune.store import Store, identity

VERSION = 1  # raised when the same folds would give another column


def join_folds(store: Store, columns: Mapping[str, str], proxies: Sequence[Proxy], n: int) -> dict[str, str]:
    """Write the columns of a run from those of its folds: `trace.<run>`, and `grad_norm.<run>` and the like.

    Parameters
    ----------
    columns
        Finished columns, name to identity.
    proxies
        The folds of one run, in order.
    n
        Samples in the dataset.

    Returns
    -------
    dict
        Column name to identity.
    """
    kinds = sorted({name.kind for name in map(ColumnName, columns) if name.rest == proxies[0].name})
    made, run = {}, proxies[0].run
    for kind in kinds:
        parts = [ColumnName.of_run(kind, proxy.name) for proxy in proxies]
        folds = [store.open_column(part, columns[part]) for part in parts]
        recipe = {"column": kind, "version": VERSION, "run": run, "folds": [columns[part] for part in parts]}
        size = {"rows": folds[0].shape[0], "part_rows": 1} if kind == TRACE else {"rows": n}
        writer = store.write_column(ColumnName.of_run(kind, run), recipe, **size)
        for part in writer.missing():
            read = [fold.read(part.start, part.stop) for fold in folds]
            writer.put(part, _spread(read, proxies, n) if kind == TRACE else _merged(read))
        writer.finish()
        made[writer.name] = identity(recipe)
    return made


def _spread(epoch: Sequence[Array], proxies: Sequence[Proxy], n: int) -> Array:
    """Return one epoch of all samples, (1, 9, n), from folds that hold their own samples only."""
    values = np.full((1, epoch[0].shape[1], n), np.nan, np.float16)
    for fold, proxy in zip(epoch, proxies, strict=True):
        assert proxy.share is not None
        values[0][:, proxy.share.watched] = fold[0]
    return values


def _merged(folds: Sequence[Array]) -> Array:
    """Return the numbers of all samples from folds that are NaN where a sample is not theirs."""
    values = folds[0]
    for fold in folds[1:]:
        values = np.where(np.isnan(values), fold, values)
    return values
