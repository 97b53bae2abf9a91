"""Rows for each epoch of a training, as one array, for trainers that read the source by row."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np

from prune.exporters.job import ExportJob
from prune.exporters.staging.folder import StagingFolder

FILE = "schedule.npy"
ABOUT = "schedule.json"


def schedule(
    job: ExportJob,
    folder: StagingFolder,
    /,
    *,
    rule: Literal["rs2", "random", "curriculum", "milo"] = "rs2",  # noqa: ARG001 - these are in `job.sets`
    epochs: int | None = None,  # noqa: ARG001
    score: str | None = None,  # noqa: ARG001
    on: str | None = None,  # noqa: ARG001
    phase: float | None = None,  # noqa: ARG001
) -> None:
    """A set of samples for each epoch: schedule.npy, (epochs, k) rows of the source, and how it was made.

    Parameters
    ----------
    job
        What is drawn from, and the sets.
    folder
        Where they go.
    rule
        ``rs2``: fresh random sets, no sample again before all have come; ``random``: each by itself;
        ``curriculum``: from the easiest of a growing pool; ``milo``: sets that stand for the data, then
        exploration of what is unlike the rest.
    epochs
        How many; it has to be said.
    score
        Of the curriculum; default: the only one.
    on
        The embedding that ``milo`` computes in; default: the only one, or the proxy's.
    phase
        Part of the epochs: until the pool of the curriculum is everything (0.5), or of the first phase of
        ``milo`` (1/6).
    """
    sets = job.sets
    assert sets is not None, "a schedule is made of sets"
    if not folder.done("schedule"):
        head = io.BytesIO()
        shape = {"descr": "<i8", "fortran_order": False, "shape": (sets.epochs, sets.k)}
        np.lib.format.write_array_header_1_0(head, shape)
        folder.need(8 * sets.epochs * sets.k)
        with (
            folder.part("schedule") as part,
            job.reporter.stage("schedule", sets.epochs, "epochs") as advance,
            part.open(FILE) as out,
        ):
            out.write(head.getvalue())
            for epoch in range(sets.epochs):
                out.write(sets.rows_of(epoch).astype("<i8").tobytes())
                advance(1)
    if not folder.done("records"):
        with folder.part("records") as part:
            for name, data in sorted(job.records.items()):
                part.write(name, data)
