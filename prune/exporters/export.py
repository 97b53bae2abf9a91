"""One export from start to end: the place is checked, the exporter writes, the description completes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.core.method_rows import Exporter
from prune.exporters import tables
from prune.exporters.card import NAME as CARD
from prune.exporters.card import card
from prune.exporters.carried_form import CARRIES
from prune.exporters.job import ExportJob
from prune.exporters.labels import say_labels
from prune.exporters.place import DOT, FILE
from prune.exporters.staging.folder import StagingFolder, open_folder
from prune.exporters.weights import IN_RECORDS, WEIGHT, recorded, weighed
from prune.readers.source_watch import DisturbedError


@dataclass(frozen=True)
class Exported:
    """What became of it."""

    out: Path
    samples: int
    files: int
    bytes: int
    new: bool  # False: this very export was there already


def export(
    job: ExportJob,
    exporter: Exporter,
    out: Path,
    *,
    options: Mapping[str, Any] | None = None,
    with_card: bool = False,
    overwrite: bool = False,
    wait: Callable[[str], None] | None = None,
) -> Exported:
    """Write `job` to `out` in the form of one exporter; whole or not at all, and the same bytes every time.

    Parameters
    ----------
    job
        Rows, their bytes, and the files that describe them.
    exporter
        One of `EXPORTERS`.
    out
        A folder that is missing, empty, or an earlier export; of lines also a file, `kept.jsonl.zst`.
    options
        Options of the exporter; those not given have their defaults.
    with_card
        Whether a card lies in it: `README.md`.
    overwrite
        Replace an earlier export of another selection or form.
    wait
        Told of another process that writes there, before waiting for it; None does not wait.

    Raises
    ------
    OptionError
        There is nothing to export, or an option does not fit the dataset.
    DataError
        The dataset cannot be read.
    OutputError
        The place is taken, full or read-only.
    StoreError
        The dataset changed since it was scanned; or another process writes there, and `wait` is None.
    """
    if not len(job):
        raise OptionError("there are no samples to export", "keep more: --fraction 0.5")
    options = exporter.options | dict(options or {})
    chosen, job = job, weighed(job, exporter)
    for said in (CARRIES, IN_RECORDS):
        job.memo.pop(said, None)  # of an earlier export of the same job
    suffix = exporter.one_file(out.name) if exporter.one_file else ""
    if suffix and with_card:
        raise OptionError(f"{out} is one file, and a card lies in a folder", "--out a folder")
    also = ({"file": suffix} if suffix else {}) | ({"card": True} if with_card else {})
    identity = job.identity(exporter.name, options | also)
    with open_folder(
        out,
        identity,
        sources=job.reader.places,
        apart=exporter.folders_are_classes,
        single=bool(suffix),
        overwrite=overwrite,
        wait=wait,
    ) as folder:
        new = not folder.complete
        if new:
            if exporter.holds_payloads:
                say_labels(job)
                _say_weights(chosen, job)
            _fill(job, exporter, folder, options)
            if exporter.holds_payloads:
                _write_records(job, folder)
            if with_card and not folder.done("card"):
                with folder.part("card") as part:
                    part.write(CARD, card(job, exporter.name))
            described = {"exporter": exporter.name, "options": options, "n": len(job)}
            described |= {CARRIES: job.memo[CARRIES]} if job.memo.get(CARRIES) else {}
            described |= {"asked": dict(job.asked), "weight": _weight_column(job, exporter)}
            job.sources.require()
            folder.finish(described | {"dataset": job.dataset.fingerprint}, overwrite=overwrite)
    listed = folder.listing()
    listed = {FILE: listed[FILE]} if folder.single else listed
    return Exported(folder.out, len(job), len(listed), sum(f["size"] for f in listed.values()), new)


def _say_weights(chosen: ExportJob, job: ExportJob) -> None:
    """Say it where weights are not those of the selection alone."""
    if job.source_weight is not None and chosen.weights is not None:
        job.reporter.say(
            f"the samples have weights already ({job.source_weight}):"
            " the selection's are multiplied into them"
        )


def _weight_column(job: ExportJob, exporter: Exporter) -> str | None:
    """Return the column of a table of weights, for whoever reads it again; say it if it is another."""
    if not exporter.tables:
        in_records: str | None = job.memo.get(IN_RECORDS)
        return in_records
    name = tables.weight_column(job)
    if name not in {None, WEIGHT, job.source_weight}:
        job.reporter.say(
            f"the source has a column {WEIGHT} of its own: the weights of the selection are in {name}"
        )
    return recorded(job) if name is None else name


def _fill(job: ExportJob, exporter: Exporter, folder: StagingFolder, options: Mapping[str, Any]) -> None:
    """Write the parts; one whose source was touched meanwhile is written again."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(DisturbedError):
            exporter.function(job, folder, **options)
            return
    exporter.function(job, folder, **options)


_TRIES = 3


def _write_records(job: ExportJob, folder: StagingFolder) -> None:
    if job.records and not folder.done("records"):
        with folder.part("records") as part:
            for name, data in sorted(job.records.items()):
                part.write(f"{DOT}/{name}", data)
