"""Lines of text: those of the source as they are, or the text of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prune.exporters.job import ExportJob
from prune.exporters.lines.form import LineForm, Values
from prune.exporters.lines.write import write_lines
from prune.exporters.staging.folder import StagingFolder


def txt(job: ExportJob, folder: StagingFolder, /, *, other_splits: Literal["copy", "omit"] = "copy") -> None:
    """Lines of text, a sample each; from such lines the very bytes, in files of the same names.

    `--out kept.txt` is one file with all samples, `--out FOLDER` has the files of the source. From other
    formats there is a file a class, `pos.txt`, as a line holds nothing but the text. Weights are in
    `weights.csv` beside the files. What describes one file lies in `OUT.prune/`.

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
        A text has several lines, or none.
    DataError
        The source is not the one that was scanned.
    """
    write_lines(job, folder, FORM, other_splits)


def _record(names: Sequence[str], values: Values) -> bytes:
    del names
    text: str = values[0]
    if "\n" in text or "\r" in text:
        raise ValueError("the text has a line end in it, and in txt a sample is a line")
    if not text.strip():
        raise ValueError("the text is nothing but spaces, and in txt an empty line is no sample")
    return text.encode()


FORM = LineForm("txt", (".txt",), _record, holds_fields=False)
