"""Scores that were computed elsewhere: any numeric column of a parquet or csv file, joined by key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows, Scores
from prune.core.errors import DataError, OptionError
from prune.scorers.tables import listed, read_tables
from prune.store import Dataset
from prune.store.join import FILE, KEY, KEYS, count, match_table

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # no dot: `score.NAME.std` is a companion of a score


def imported_scores(
    path: str | Path, dataset: Dataset, columns: Sequence[str] | None = None
) -> dict[str, Scores]:
    """Read columns of a file as scores, in the order of the dataset.

    Parameters
    ----------
    path
        A parquet, csv or tsv file, a folder of them, or a pattern. The column `key` (or one of `KEYS`) names
        the samples, with or without the suffix or the folder of their files. Rows of keys that the dataset
        lacks are left out.
    columns
        Names of the columns, which become names of scores. Default: every numeric column but `KEYS`.

    Returns
    -------
    {name: (n,)}
        Finite where the sample can be used, NaN where it was rejected.

    Raises
    ------
    OptionError
        The file is neither parquet nor csv, or a column is asked for that it lacks.
    DataError
        It cannot be read; a usable sample's key is missing; a key stands twice; a column is not numeric, has
        a name that no score can have, or a value that is not finite.
    """
    table = read_tables(path)
    positions = match_table(dataset, table, str(path))
    return {
        name: _score(table, name, positions, dataset, str(path)) for name in _chosen(table, columns, path)
    }


def _chosen(table: pa.Table, columns: Sequence[str] | None, path: str | Path) -> list[str]:
    if columns is None:
        names = [
            field.name
            for field in table.schema
            if field.name not in (*KEYS, FILE) and _is_numeric(field.type)
        ]
    else:
        names = list(columns)
    if not names:
        raise DataError(f"{path} has no numeric column (it has: {listed(table.column_names)})")
    for name in names:
        if name not in table.column_names:
            raise OptionError(f"{path} has no column {name!r} (it has: {listed(table.column_names)})")
        if table.column_names.count(name) > 1:
            raise DataError(f"{path} has {table.column_names.count(name)} columns called {name!r}")
        if not _NAME.fullmatch(name):
            raise DataError(
                f"the column {name!r} of {path} cannot name a score",
                "rename it: letters, digits, '_' and '-'",
            )
    return names


def _score(table: pa.Table, name: str, positions: Rows, dataset: Dataset, source: str) -> Scores:
    column = table[name]
    if not _is_numeric(column.type):
        raise DataError(f"the column {name!r} of {source} holds {column.type}, not numbers")
    with np.errstate(over="ignore"):
        values = pc.cast(column, pa.float64(), safe=False).to_numpy().astype(np.float32)
    scores = np.full(len(dataset), np.nan, np.float32)
    usable = dataset.usable
    scores[usable] = values[positions[usable]]
    bad = usable[~np.isfinite(scores[usable])]
    if len(bad):
        keys = dataset.samples[KEY].take(pa.array(bad))
        raise DataError(
            f"the column {name!r} of {source} is not finite for {count('key', keys)}",
            "every usable sample needs a finite number; --type NAME takes only the columns that it names",
        )
    return scores


def _is_numeric(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    return any(check(kind) for check in kinds)
