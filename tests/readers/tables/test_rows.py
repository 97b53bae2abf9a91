"""Rows of a file that shrinks under the reader: one sentence, not a killed process."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from prune.core.errors import DataError
from prune.readers.tables.rows import open_rows

TABLE = pa.table({"image": [b"abc" * 9] * 9, "label": list(range(9))})


def test_an_arrow_file_that_is_cut_short_while_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "data.arrow"
    with pa.ipc.new_stream(path, TABLE.schema) as out:
        out.write_table(TABLE, max_chunksize=3)
    rows = open_rows(path, "arrow")
    assert pa.concat_tables(table for _, table in rows.batches(TABLE.schema.names)) == TABLE
    size = path.stat().st_size
    assert size < os.sysconf("SC_PAGE_SIZE")  # so that a failure of this test is one, and no SIGBUS
    os.truncate(path, size - 1)
    with pytest.raises(DataError, match=r"data\.arrow was cut short while it was read"):
        rows.around(8, ["label"])
    with pytest.raises(DataError, match="was cut short"):
        list(rows.batches(["image"]))
