"""A table of text columns as people keep labels in it: csv and its kin with or without a header, parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from prune.core.errors import DataError, OptionError
from prune.core.safe_text import one_line

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".parquet")
_DELIMITERS = "\t;,| "
_NULLS = ["", "nan", "NaN", "null", "NULL", "<NA>"]
_LINE = 1 << 20  # bytes of a first line
_WHAT = f"labels lie in a file of the suffix {', '.join(SUFFIXES)}"


@dataclass(frozen=True)
class LabelTable:
    """Columns of text; the first row may be the header of a csv file, or not: the data decides."""

    columns: Sequence[pa.ChunkedArray]
    header: Sequence[str] | None  # None: not known yet whether there is one


def read_table(path: Path) -> LabelTable:
    """Read a file of labels, all of it as text.

    Raises
    ------
    OptionError
        It has another suffix.
    DataError
        It cannot be read, or is empty.
    """
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith(SUFFIXES):
        raise OptionError(f"--labels {path} is no table that prune reads", _WHAT)
    try:
        found = _columns(_typed(path, name)) if name.endswith((".parquet", ".jsonl")) else _text(path)
        for column in found.columns:
            column.validate(full=True)  # what is not UTF-8 fails here
    except (pa.ArrowException, OSError, ValueError, RecursionError, csv.Error) as error:
        reason = one_line(error, 200)
        raise DataError(f"{path} cannot be read: {reason}", f"head -3 {path}   # one row a sample") from error
    if not found.columns or not len(found.columns[0]):
        raise DataError(f"{path} is empty", "one row a sample: its key or file name, and its label")
    return found


def _typed(path: Path, name: str) -> pa.Table:
    """Read a table whose values have types: parquet, or JSON, of which each line is a row."""
    if name.endswith(".parquet"):
        return pq.read_table(path, use_threads=False)
    with pa.input_stream(str(path), compression="detect") as stream:
        rows = [json.loads(line) for line in stream.read().splitlines() if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("it holds lines that are no objects")
    names = dict.fromkeys(name for row in rows for name in row)
    nested = {name for row in rows for name, value in row.items() if isinstance(value, (list, dict))}
    return pa.table(
        {name: pa.array([_plain(row.get(name)) for row in rows]) for name in names if name not in nested}
    )


def _plain(value: Any) -> str | None:
    """Return a value of JSON as text, whole floats as whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _columns(table: pa.Table) -> LabelTable:
    texts = {field.name: column for field in table.schema if (column := _as_text(table[field.name]))}
    return LabelTable(list(texts.values()), list(texts))


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column as text, whole floats as whole numbers; None where it holds something else."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_floating(kind):
        return pc.replace_substring_regex(pc.cast(pc.cast(column, kind), pa.string()), r"\.0$", "")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    return pc.cast(pc.cast(column, kind), pa.string())


def _text(path: Path) -> LabelTable:
    with pa.input_stream(str(path), compression="detect") as stream:
        head = stream.read(_LINE)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise pa.ArrowInvalid("it is UTF-16, want UTF-8")
    first = head.decode("utf-8-sig", "replace").splitlines()[:1]
    if not first:
        return LabelTable([], None)
    delimiter = max(_DELIMITERS, key=lambda sign: (len(_cells(first[0], sign)) > 1, sign != " "))
    if len(_cells(first[0], delimiter)) == 1:
        delimiter = ","
    names = [f"f{place}" for place in range(len(_cells(first[0], delimiter)))]
    table = pv.read_csv(
        path,
        read_options=pv.ReadOptions(column_names=names),
        parse_options=pv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=pv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=_NULLS
        ),
    )
    return LabelTable([pc.utf8_trim_whitespace(column) for column in table.columns], None)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])
