"""Weights of line files whose records cannot have any: `weights.csv`, in what describes the export."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from prune.exporters.job import ExportJob
from prune.exporters.lines.made import Fields
from prune.exporters.lines.plan import LineFile
from prune.exporters.place import DOT, FILE
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.weights import IN_RECORDS

NAME = f"{DOT}/weights.csv"
COLUMNS = ["file_name", "record", "weight"]
"""The file, nothing where the export is one file; the record in it, from 1; its weight."""


def write_weights(
    job: ExportJob, folder: StagingFolder, files: Sequence[LineFile], fields: Fields | None
) -> None:
    """Write the weight of each record, where not all are 1 and some record does not say its own."""
    if job.weights is None:
        return
    if fields is not None and fields.weight and not any(p.copied for f in files for p in f.pieces):
        job.memo[IN_RECORDS] = fields.weight
        return
    if folder.done("weights"):
        return
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    out.writerow(COLUMNS)
    for file in files:
        name = "" if file.name == FILE else file.name
        weights = job.weights[np.searchsorted(job.rows, file.rows)]
        out.writerows((name, record, str(weight)) for record, weight in enumerate(weights, 1))
    with folder.part("weights") as part:
        part.write(NAME, sink.getvalue().encode(errors="surrogatepass"))
