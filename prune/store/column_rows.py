"""The rows of a column that is larger than memory may be: checked once, then read where they lie."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Rows
from prune.store.column import Column
from prune.store.column_files import NAMED, verify_file
from prune.store.column_json import damaged
from prune.system.rows_on_disk import RowsFile, RowsInFiles


def rows_of(column: Column, which: Rows | None = None) -> RowsInFiles:
    """Return the rows of a column as an array on the disk; of a matrix.

    Parameters
    ----------
    which : (n,)
        Which of the rows of the column are its rows; default: all.

    Raises
    ------
    StoreError
        A part is missing or damaged.
    """
    files: list[RowsFile] = []
    for name in sorted(column.files):
        match = NAMED.fullmatch(name)
        if match is None or match["kind"] != "part":
            continue
        path, rows = column.folder / name, min(column.part_rows, len(column) - sum(f.rows for f in files))
        verify_file(path, column.name)
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            offset = file.tell()
        if shape != (rows, *column.shape[1:]) or dtype != column.dtype:
            raise damaged(f"{path} is not as column {column.name} is described", column.name, column.folder)
        files.append(RowsFile(path, offset, rows))
    if sum(file.rows for file in files) != len(column):
        raise damaged(f"parts of column {column.name} are missing", column.name, column.folder)
    return RowsInFiles(files, column.shape[1], column.dtype, which)
