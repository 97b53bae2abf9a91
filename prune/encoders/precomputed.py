"""Features that were computed elsewhere: a matrix in a .npy or parquet file, matched by row or by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Rows
from prune.core.errors import DataError
from prune.core.progress import SILENT, Reporter
from prune.encoders.encode import check_range
from prune.encoders.features import Features, open_features
from prune.store import ColumnWriter, Dataset
from prune.store.join import KEY, count
from prune.system.disk_space import require_room

_BLOCK = 8192  # rows in memory at a time while the numbers are checked


def precomputed(
    path: str | Path | Features,
    dataset: Dataset,
    writer: ColumnWriter,
    dtype: npt.DTypeLike = np.float16,
    reporter: Reporter = SILENT,
) -> None:
    """Your own embeddings: `--features X.npy` by row, or a parquet file by its column `key`.

    Parameters
    ----------
    path
        A .npy matrix (n, d) in the order of the dataset, or a parquet file with a column `key` and either one
        column of lists or one column for each dimension; or features that are open already.
    dataset
        The samples. Those that the scan rejected hold NaN, whatever the file says; those that are held out,
        which nothing but an evaluation looks at, what the file says of them, and NaN where that is no number.
    writer
        The column; parts that it has are not written again.
    dtype
        float16 or float32.
    reporter
        Told how far the work is, and how many rows are all zeros.

    Raises
    ------
    DataError
        The file cannot be read, has another number of rows, lacks keys or has them twice, holds numbers that
        are not finite or too large for `dtype`.
    OutputError
        The column will not fit on the disk.
    """
    features = open_features(Path(path), dataset) if isinstance(path, str | Path) else path
    missing = list(writer.missing())
    if missing:
        _check(features, dataset, np.dtype(dtype), reporter)
    usable, held_out = np.zeros(len(dataset), bool), np.zeros(len(dataset), bool)
    usable[dataset.usable] = True
    held_out[dataset.held_out] = True
    with reporter.stage(f"copy {features.source}", sum(p.stop - p.start for p in missing)) as advance:
        for number, part in enumerate(missing):
            rows = np.arange(part.start, part.stop)
            values = features.rows(rows)
            if not number:
                left = sum(p.stop - p.start for p in missing)
                require_room(writer.folder, left * values.shape[1] * np.dtype(dtype).itemsize)
            values[~(usable | held_out)[rows]] = np.nan
            with np.errstate(over="ignore"):  # checked of all usable ones
                stored = values.astype(dtype)
            stored[held_out[rows] & ~np.isfinite(stored).all(1)] = np.nan
            writer.put(part, stored)
            advance(len(rows))


def _check(features: Features, dataset: Dataset, dtype: np.dtype[Any], reporter: Reporter) -> None:
    usable = dataset.usable
    bad: list[Rows] = []
    zeros = 0
    with reporter.stage("check features", len(usable)) as advance:
        for values, rows in features.blocks(usable, _BLOCK):
            finite = np.isfinite(values).all(axis=1)
            bad.append(rows[~finite])
            check_range(values[finite], dtype)
            zeros += int((~values.astype(dtype).any(axis=1)).sum())
            advance(len(rows))
    _refuse(np.sort(np.concatenate(bad)) if bad else np.empty(0, np.int64), features, dataset)
    if zeros:
        reporter.say(f"{zeros} of {len(usable)} embeddings are all zeros; they are kept")


def _refuse(bad: Array, features: Features, dataset: Dataset) -> None:
    if len(bad):
        keys = dataset.samples[KEY].take(pa.array(bad))
        raise DataError(
            f"{features.source} holds NaN or infinity for {count('key', keys)}",
            "compute these features again, or remove the samples from the dataset",
        )
