"""Labels in doubt that a choice leaves out: those that are found now, or a list that was gone through."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError
from prune.core.safe_text import counted
from prune.steps.select.request import keys_in
from prune.store import Dataset, Store
from prune.store.join import KEY

SUSPECT = "suspect"  # the reason why a sample is not kept
AUTO = "auto"
_JSON = {".jsonl", ".ndjson"}
_LISTED, _FILE = "suspects.csv", "file"  # in a folder that `prune suspects --out` made
_AGAIN = "prune suspects --out suspects.csv   # writes such a list"
_HEAD = ("rank", KEY, "given", "likely", "confidence", "by")  # the first line of such a list
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # how text begins that a spreadsheet calls Unicode
_DELIMITERS = (",", ";", "\t")  # as spreadsheets write them


@dataclass(frozen=True)
class SuspectList:
    """Rows whose labels are in doubt."""

    rows: Rows
    described: Mapping[str, Any]  # what `selection.json` says of it
    columns: Sequence[str] = field(default_factory=tuple)  # that decided


def suspect_keys(asked: str | os.PathLike[str] | Sequence[str] | None) -> str | tuple[str, ...] | None:
    """Return `auto`, or the keys of a table, a folder of pictures, or a .txt of one a line: those left in it.

    Raises
    ------
    OptionError
        There is no such list, or it cannot be read.
    """
    if asked is None or asked == AUTO:
        return asked
    if not isinstance(asked, str | os.PathLike):
        return tuple(asked)
    place = Path(asked)
    if place.suffix.lower() == ".txt" and place.is_file():
        return tuple(keys_in(place))
    if not place.is_dir():
        return tuple(_keys(_read(place), place))
    table = _read(place / _LISTED)
    if _FILE not in table.column_names:
        raise OptionError(f"{place / _LISTED} does not say which file is which sample", _AGAIN)
    there = [os.path.lexists(place / name) for name in table[_FILE].to_pylist()]
    return tuple(_keys(table.filter(pa.array(there, pa.bool_())), place / _LISTED))


def suspect_list(store: Store, asked: str | Sequence[str] | None) -> SuspectList | None:
    """Return the rows to leave out; None where nobody asked.

    Raises
    ------
    DataError
        A key is not in the dataset.
    """
    if asked is None:
        return None
    dataset = store.dataset
    if asked != AUTO:
        rows = _rows_of(dataset, list(asked))
        return SuspectList(rows, {"source": "list", "samples": len(rows)})
    from prune.steps.explain.doubted_labels import doubted_labels

    found = doubted_labels(store, dataset)
    rows = np.sort(found.rows)
    about = {"source": AUTO, "samples": len(rows), "rule": found.rule, "held_out": found.held_out}
    return SuspectList(rows, about, (found.column,))


def _read(path: Path) -> pa.Table:
    """Read a table whose keys, and files beside them, are text whatever they look like."""
    try:
        data = path.read_bytes()
        if data.startswith(b"PAR1"):
            return pq.read_table(pa.BufferReader(data))
        if path.suffix.lower() in _JSON:
            return _of_lines(data)
        if data.startswith(_UTF16):
            data = data.decode("utf-16").encode()
        head = data.partition(b"\n")[0]
        delimiter = max(_DELIMITERS, key=lambda one: head.count(one.encode()))
        names = [name for name in (KEY, _FILE) for name in _spelt(name, head, delimiter)]
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
        said = getattr(error, "strerror", None) or str(error)
        reason = said.partition("\n")[0].removeprefix("CSV parse error: ")
        raise OptionError(
            f"cannot read a list of suspects from {path}: {_lowered(reason)}", _AGAIN
        ) from error
    return table.rename_columns([name.strip().lower() for name in table.column_names])


def _of_lines(data: bytes) -> pa.Table:
    """Return the keys of lines of JSON; whatever else stands in them may have been edited."""
    keys = list[str]()
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        one = json.loads(line)
        if not isinstance(one, dict) or not isinstance(one.get(KEY), str):
            raise ValueError(f"line {number} has no {KEY!r}")
        keys.append(one[KEY])
    return pa.table({KEY: pa.array(keys, pa.string())})


def _spelt(name: str, head: bytes, delimiter: str) -> list[str]:
    """Return how a column is called in the first line: in capitals, or with spaces."""
    words = head.decode("utf-8-sig", "replace").rstrip("\r").split(delimiter)
    return [one for word in words if (one := word.strip('"')).strip().lower() == name]


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _keys(table: pa.Table, path: Path) -> list[str]:
    if table.column_names.count(KEY) != 1:
        has = ", ".join(repr(name)[1:-1] for name in table.column_names[:20])
        head = KEY if len(table.column_names) == 1 else ",".join(_HEAD)
        again = f"sed -i 1i{head} {shlex.quote(str(path))}   # where the first line is missing"
        raise OptionError(f"{path} has no column {KEY!r} (it has: {has})", again)
    keys = pc.drop_null(pc.cast(table[KEY], pa.string()))
    listed: list[str] = keys.filter(pc.not_equal(keys, "")).to_pylist()  # lines of nothing but commas
    return listed


def _rows_of(dataset: Dataset, keys: list[str]) -> Rows:
    rows = pc.index_in(pa.array(keys, pa.string()), value_set=dataset.samples[KEY].combine_chunks())
    if rows.null_count:
        first = keys[int(np.flatnonzero(rows.is_null().to_numpy(zero_copy_only=False))[0])]
        lacking = f"{rows.null_count} of {counted(len(keys), 'suspect')}"
        raise DataError(f"{lacking} are not in the dataset; the first is {first!r}", _AGAIN)
    found: Rows = np.unique(rows.to_numpy()).astype(np.int64)
    return found
