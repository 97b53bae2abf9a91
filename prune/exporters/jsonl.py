"""Lines of JSON: those of the source as they are, or an object a sample."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal

from prune.exporters.job import ExportJob
from prune.exporters.lines.form import LineForm, Values
from prune.exporters.lines.write import write_lines
from prune.exporters.staging.folder import StagingFolder


def jsonl(
    job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "omit"] = "copy"
) -> None:
    """Lines of JSON; from such lines the very bytes, in files of the same names and containers.

    Records of an array, of a `.json`, are put on a line each, and are otherwise as they were.
    `--out kept.jsonl.zst` is one file with all samples, `--out FOLDER` has the files of the source. From
    other formats, and where labels lie in a file of their own, each line has `text`, `label` (its name), `id`
    (the key), `weight` where not all are 1, and the columns that samples carry. Weights of copied lines are
    in `weights.csv` beside them. What describes one file lies in `OUT.prune/`.

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
    DataError
        The source is not the one that was scanned.
    """
    write_lines(job, folder, FORM, other_splits)


def record_of(names: Sequence[str], values: Values) -> bytes:
    """Return an object of the fields of a sample."""
    held = dict(zip(names, values, strict=True))
    return json.dumps(held, ensure_ascii=False, allow_nan=False, default=str).encode(
        errors="backslashreplace"
    )


def on_one_line(record: bytes) -> bytes:
    """Return a record without its line ends, which stand between the words of JSON only, never in one."""
    return _LINE_ENDS.sub(b" ", record) if b"\n" in record or b"\r" in record else record


_LINE_ENDS = re.compile(rb"[ \t]*[\r\n][ \t\r\n]*")
FORM = LineForm(
    "jsonl",
    (".jsonl", ".ndjson"),
    record_of,
    also_read=(".json.gz", ".json.zst"),
    takes={"json": on_one_line},
)
