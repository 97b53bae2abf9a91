"""Join by key: facts from elsewhere find their sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.store.samples import Dataset

KEY = "key"  # name of the column that holds the keys
KEYS = (
    KEY,
    "__key__",
    "id",
    "file_name",
    "path",
    "image_id",
    "uid",
    "image_path",
)  # as tables of others call it
FILE = "__file__"  # of tables that were joined: the file of a row, without suffix
_SHOWN = 3
_SUFFIX = r"(?i)\.[a-z0-9]{2,5}$"


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
    keys = _as_text(keys, source)
    _refuse_twice(pc.value_counts(keys), source)
    positions = pc.fill_null(pc.index_in(dataset.samples[KEY], value_set=keys), -1).to_numpy()
    usable = dataset.usable
    lacking = usable[positions[usable] < 0]
    if len(lacking):
        hint = "the column 'key' must hold the keys of this dataset, as the manifest of a selection has them"
        raise DataError(f"{source} lacks {count('key', dataset.samples[KEY].take(pa.array(lacking)))}", hint)
    return positions.astype(np.int64)


def match_table(dataset: Dataset, table: pa.Table, source: str) -> Rows:
    """Find where each sample stands in a table, by whichever of `KEYS` it has.

    A key is also found without the suffix of its file, without its folders, or behind the name of the table's
    file: by the first of these ways that finds every usable sample.

    Raises
    ------
    DataError
        There is no column of keys; a key stands twice; a usable sample's key is missing.
    """
    columns = [name for name in KEYS if table.column_names.count(name) == 1]
    if not columns or table.column_names.count(KEY) > 1:
        has = ", ".join(repr(name)[1:-1] for name in table.column_names[:20] if name != FILE)
        hint = f"name the column of keys {KEY!r}; also taken: {', '.join(KEYS[1:])}"
        raise DataError(f"{source} has no column {KEY!r} (it has: {has})", hint)
    usable = pa.array(dataset.usable)
    wanted = dataset.samples[KEY].take(usable)
    for name in columns:
        keys = _as_text(table[name], source)
        for ours, theirs in _ways(wanted, keys, table):
            if pc.count_distinct(ours).as_py() == len(ours) and pc.all(pc.is_in(ours, theirs)).as_py() in (
                True,
                None,
            ):
                return _positions(dataset, usable, ours, theirs, source)
    return match_keys(dataset, table[columns[0]], source)


def _ways(ours: pa.ChunkedArray, theirs: pa.ChunkedArray, table: pa.Table) -> Iterator[tuple[Any, Any]]:
    """Yield keys of the dataset and of a table, changed alike until they may be equal."""
    bare = partial(pc.replace_substring_regex, pattern=_SUFFIX, replacement="")
    last = partial(pc.replace_substring_regex, pattern=r"^.*/", replacement="")
    yield ours, theirs
    yield bare(ours), bare(theirs)
    if FILE in table.column_names:
        yield ours, pc.binary_join_element_wise(table[FILE], theirs, "/")
    yield last(ours), last(theirs)
    yield bare(last(ours)), bare(last(theirs))


def _positions(
    dataset: Dataset, usable: pa.Array, ours: pa.ChunkedArray, theirs: pa.ChunkedArray, source: str
) -> Rows:
    counted = pc.value_counts(theirs.filter(pc.is_in(theirs, ours)))
    _refuse_twice(counted, source)
    positions = np.full(len(dataset), -1, np.int64)
    positions[usable.to_numpy()] = pc.index_in(ours, value_set=theirs).to_numpy()
    return positions


def _refuse_twice(counted: pa.StructArray, source: str) -> None:
    often = counted.filter(pc.greater(counted.field("counts"), 1)).field("values")
    if len(often):
        raise DataError(f"{source} holds {count('key', often)} more than once", "keep one row for each key")


def _as_text(keys: pa.ChunkedArray, source: str) -> pa.ChunkedArray:
    try:
        return pc.cast(keys, pa.string())
    except pa.ArrowException as error:
        raise DataError(
            f"the column 'key' of {source} is {keys.type}, not text", "store the keys as text"
        ) from error


def count(noun: str, values: pa.Array | Sequence[Any]) -> str:
    """Count values and show the first three: `4 keys ('a', 'b', 'c', …)`."""
    shown = values[:_SHOWN]
    texts = [repr(v) for v in (shown.to_pylist() if hasattr(shown, "to_pylist") else shown)]
    rest = ", …" if len(values) > _SHOWN else ""
    return f"{len(values)} {noun}{'s' if len(values) != 1 else ''} ({', '.join(texts)}{rest})"
