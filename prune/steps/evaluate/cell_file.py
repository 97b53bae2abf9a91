"""The cells of an evaluation as a file: a row for every training."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from prune.core.errors import OptionError, OutputError
from prune.system import files
from prune.system.os_errors import require_writable

if TYPE_CHECKING:
    from prune.steps.evaluate.evaluation_table import EvaluationTable


def table_writer(path: Path) -> Callable[[EvaluationTable], None]:
    """Return what writes the rows; the name is checked now, before anything is trained.

    Raises
    ------
    OptionError
        The file's name ends neither in .parquet nor in .csv.
    OutputError
        Its folder does not exist or takes no files, or it is a folder.
    """
    kind = path.suffix.lower()
    if kind not in {".parquet", ".csv"}:
        raise OptionError(f"--out {path} is neither .parquet nor .csv", "--out cells.parquet")
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {path.parent}"
        raise OutputError(f"{path} {what}", "--out cells.parquet")
    require_writable(path.parent)

    def write(table: EvaluationTable) -> None:
        import pyarrow.csv
        import pyarrow.parquet

        sink = io.BytesIO()
        if kind == ".csv":
            pyarrow.csv.write_csv(table.to_arrow(), sink)
        else:
            pyarrow.parquet.write_table(table.to_arrow(), sink)
        files.write(path, sink.getvalue())

    return write
