"""The files of other splits beside lines that are exported: copied as they are, or left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from prune.exporters.job import ExportJob
from prune.exporters.lines.form import LineForm
from prune.exporters.lines.plan import LineFile
from prune.exporters.other_splits import copy_file, token_of
from prune.exporters.staging.folder import StagingFolder
from prune.readers.lines.reader import LineReader
from prune.readers.source_watch import DisturbedError

OtherSplits = Literal["copy", "omit"]


def copy_other_splits(
    job: ExportJob, folder: StagingFolder, form: LineForm, files: Sequence[LineFile], others: OtherSplits
) -> None:
    """Copy the files of the other splits into a folder, as far as they are of the form that is written.

    Raises
    ------
    DisturbedError
        One changed while it was copied.
    """
    reader = job.reader
    if folder.single or others == "omit" or not isinstance(reader, LineReader):
        return
    taken = {file.name for file in files}
    kept = [name for name in reader.files.others if form.is_named(name) and name not in taken]
    if len(kept) < len(reader.files.others):
        left = next(name for name in reader.files.others if name not in kept)
        job.reporter.say(f"files of other splits are left out, as they are none of {form.name}: {left}")
    for name in kept:
        source = reader.root / name
        token = token_of(source)
        piece = f"{name} of {token}"  # one that a killed run took from another file is not done
        if not folder.done(piece):
            with folder.part(piece) as part:
                with part.open(name) as out:
                    copy_file(source, out)
                if token_of(source) != token:
                    raise DisturbedError(
                        f"stale: {name} changed while it was read",
                        "run the command again when the data is at rest",
                    )
