"""A table as a file that somebody may edit: csv, parquet or lines of JSON, never written over another."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from prune.core.errors import OptionError, OutputError
from prune.store.tables import to_parquet
from prune.system import files

CSV = ".csv"
_PARQUET, _JSONL = ".parquet", ".jsonl"


def is_table(out: Path) -> bool:
    """Whether a table can be written under this name."""
    return out.suffix.lower() in {CSV, _PARQUET, _JSONL}


def require_table(out: Path) -> None:
    """Raise `OptionError` where a name is of no table that is written here."""
    if not is_table(out):
        known = "neither .csv nor .parquet nor .jsonl"
        raise OptionError(f"--out {out} is {known}", f"--out {out.with_suffix(CSV)}")


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table as csv: UTF-8, a header, quotes where needed."""
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(quoting_style="needed"))
    return sink.getvalue()


def _table_bytes(table: pa.Table, suffix: str) -> bytes:
    if suffix == CSV:
        return csv_bytes(table)
    if suffix == _PARQUET:
        return to_parquet(table)
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in table.to_pylist()).encode()


def write_table(table: pa.Table, out: Path, *, overwrite: bool) -> bool:
    """Write a table in the form that the name says; return whether it was not there already.

    Raises
    ------
    OutputError
        Another file stands there, perhaps one that was edited, and is not to be replaced.
    """
    data = _table_bytes(table, out.suffix.lower())
    if os.path.lexists(out) and not overwrite:
        if out.is_file() and not out.is_symlink() and out.read_bytes() == data:
            return False
        raise OutputError(f"{out} is there, and not this table", "--overwrite, or another place with --out")
    if out.is_dir() and not out.is_symlink():
        raise OutputError(f"{out} is a folder", "choose another place with --out")
    files.write(out, data)
    return True
