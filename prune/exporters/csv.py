"""Rows of csv: those of the source as they are, under its heading, or a row a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from prune.exporters.carried_form import BLANK
from prune.exporters.job import ExportJob
from prune.exporters.lines.form import LineForm, Values
from prune.exporters.lines.write import write_lines
from prune.exporters.staging.folder import StagingFolder


def csv(job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "omit"] = "copy") -> None:
    """Rows of csv; from csv and tsv the very bytes, with heading and dialect, in files of the same names.

    `--out kept.csv.gz` is one file with all samples, `--out FOLDER` has the files of the source. From other
    formats, and where labels lie in a file of their own, the columns are `text`, `label` (its name), `id`
    (the key), `weight` where not all are 1, and those that samples carry; lists and objects are JSON. Cells
    stand as they are, for programs: one that begins with `=` is a formula to a spreadsheet. Weights of copied
    rows are in `weights.csv` beside them. What describes one file lies in `OUT.prune/`.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    other_splits
        What becomes of the files of other splits, where a folder is written.

    Raises
    ------
    OptionError
        One file is asked for, and those of the source have several headings.
    DataError
        The source is not the one that was scanned.
    """
    write_lines(job, folder, FORM, other_splits)


def _heading(names: Sequence[str]) -> bytes:
    return _record((), names) + b"\n"


def _record(names: Sequence[str], values: Values) -> bytes:
    del names
    row = ",".join(map(_cell, values))
    return (row or '""').encode(errors="backslashreplace")  # a row of nothing would be an empty line


def _cell(value: Any) -> str:
    """Return a cell, in quotes where it must be: Python 3.11 leaves them out around a lone return."""
    if value is None:
        return ""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str) if _is_json(value) else str(value)
    return '"' + value.replace('"', '""') + '"' if not value or _QUOTED.search(value) else value


def _is_json(value: Any) -> bool:
    return isinstance(value, bool | list | dict)


_QUOTED = re.compile(r'[",\r\n]|^[\s\ufeff]|\s$')
_KINDS = {"json": "json", "int64": "int64", "double": "double", "bool": "bool", "string": BLANK}
FORM = LineForm("csv", (".csv", ".tsv"), _record, _heading, kinds=_KINDS)
