"""Arrays of JSON: records of the source as they are, between brackets, or an object a sample."""

from __future__ import annotations

from typing import Literal

from prune.exporters.job import ExportJob
from prune.exporters.jsonl import record_of
from prune.exporters.lines.form import LineForm
from prune.exporters.lines.write import write_lines
from prune.exporters.staging.folder import StagingFolder


def json(job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "omit"] = "copy") -> None:
    """Arrays of JSON; from such arrays, and from lines of JSON, the very bytes of the records.

    From an array, what stands before it, between its first two records and behind it goes along, so that
    `{"version": 1, "data": […]}` stays what it is. `--out kept.json` is one file with all samples, `--out
    FOLDER` has the files of the source. From other formats each record has the fields of `jsonl`. Weights of
    copied records are in `weights.csv` beside them. What describes one file lies in `OUT.prune/`.

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


FORM = LineForm("json", (".json",), record_of, framed=True, takes={"jsonl": bytes})
