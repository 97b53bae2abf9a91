"""Which files of lines an export has, and which rows of which file of the source go into each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.exporters.file_names import distinct
from prune.exporters.job import ExportJob
from prune.exporters.labels import is_relabelled
from prune.exporters.lines.container import container_of
from prune.exporters.lines.form import LineForm
from prune.exporters.lines.names import apart, class_files, plain_stem
from prune.exporters.place import FILE
from prune.exporters.staging.folder import StagingFolder
from prune.readers.lines.json import ArrayFrame, JsonArrays
from prune.readers.lines.records import LineRecords


@dataclass(frozen=True)
class Piece:
    """Rows of one file of the source, in its order."""

    shard: str | None  # None: each sample is a file of its own
    rows: Rows
    copied: bool  # its records go along as they are


@dataclass(frozen=True)
class LineFile:
    """One file of the export."""

    name: str
    container: str
    pieces: Sequence[Piece]
    heading: bytes | None  # copied; None: made, where there is one
    frame: ArrayFrame | None = None  # what stands around the records, where they are elements of an array

    @property
    def rows(self) -> Rows:
        """All rows of it, in its order."""
        return np.concatenate([piece.rows for piece in self.pieces])

    @property
    def copied(self) -> bool:
        """Whether all of its records are those of the source."""
        return all(piece.copied for piece in self.pieces)


def line_source(job: ExportJob) -> LineRecords:
    """Return the reader of a source whose files are lines."""
    return cast(LineRecords, job.reader)


def planned(job: ExportJob, folder: StagingFolder, form: LineForm) -> list[LineFile]:
    """Return the files in their order.

    Raises
    ------
    OptionError
        All samples are to be in one file, and the headings of files of the source differ.
    """
    pieces = [Piece(shard, rows, _is_copied(job, form, shard)) for shard, rows in _by_shard(job)]
    if folder.single:
        return [_one_file(job, folder, form, pieces)]
    if not form.holds_fields and not all(piece.copied for piece in pieces) and _has_labels(job):
        return list(_by_class(job, form))
    containers = [container_of(piece.shard or "") for piece in pieces]
    names = [
        piece.shard
        if piece.copied and piece.shard and form.is_named(piece.shard) and not _is_taken(job, form)
        else f"{_stem(piece.shard)}{form.suffixes[0]}{container}"
        for piece, container in zip(pieces, containers, strict=True)
    ]
    return [
        LineFile(name, container_of(name), [piece], _heading(job, form, piece), _frame(job, form, piece))
        for name, piece in zip(apart(names), pieces, strict=True)
    ]


def _by_shard(job: ExportJob) -> list[tuple[str | None, Rows]]:
    if job.column("shard").null_count:  # files of their own
        return [(None, job.rows)]
    return list(job.by_shard())


def _is_copied(job: ExportJob, form: LineForm, shard: str | None) -> bool:
    """Whether records of a file go along as they are; those that a file of labels is about do not."""
    relabelled = form.holds_fields and is_relabelled(job)
    if shard is None or not hasattr(job.reader, "records") or relabelled:
        return False
    array = form.framed or isinstance(job.reader, JsonArrays)
    own = form.is_named(shard) and (not array or job.reader.format == form.name)
    return own or _is_taken(job, form)


def _is_taken(job: ExportJob, form: LineForm) -> bool:
    """Whether records are those of another format, made to fit."""
    return job.reader.format in form.takes


def _heading(job: ExportJob, form: LineForm, piece: Piece) -> bytes | None:
    """Return what stands before copied records; None before those that are made."""
    if not piece.copied or piece.shard is None:
        return None
    return b"" if form.framed or _is_taken(job, form) else line_source(job).heading(piece.shard)


def _frame(job: ExportJob, form: LineForm, piece: Piece) -> ArrayFrame | None:
    """Return what stands around elements of an array: that of the source where it is one."""
    if not form.framed:
        return None
    if not piece.copied or piece.shard is None or not isinstance(job.reader, JsonArrays):
        return ArrayFrame()
    samples = job.dataset.samples
    return job.reader.frame(piece.shard, samples.filter(pc.equal(samples["shard"], piece.shard)))


def _one_file(job: ExportJob, folder: StagingFolder, form: LineForm, pieces: Sequence[Piece]) -> LineFile:
    container = container_of(folder.out.name)
    if form.framed:
        frames = {_frame(job, form, piece) for piece in pieces}
        return LineFile(FILE, container, pieces, b"", frames.pop() if len(frames) == 1 else ArrayFrame())
    if not all(piece.copied for piece in pieces):
        if form.heading is not None:  # it could not be that of copied records and of made ones
            pieces = [Piece(piece.shard, piece.rows, copied=False) for piece in pieces]
        return LineFile(FILE, container, pieces, None)
    headings = {_heading(job, form, piece) or b"": piece.shard for piece in pieces}
    if len(headings) > 1 and form.heading is not None:
        (one, first), (other, second) = list(headings.items())[:2]
        raise OptionError(
            f"{first} begins with {_shown(one)} and {second} with {_shown(other)}, which one file cannot",
            f"--out {plain_stem(folder.out.name)}   # a folder, with the files of the source",
        )
    return LineFile(FILE, container, pieces, next(iter(headings)) if len(headings) == 1 else b"")


def _by_class(job: ExportJob, form: LineForm) -> Iterator[LineFile]:
    """Yield a file a class, of that name: where a record is a text alone, its file says the label."""
    classes = job.dataset.classes
    labels = job.dataset.labels[job.rows]
    names = distinct([*class_files(classes), "unlabelled"])
    for class_id in [*range(len(classes)), -1]:
        rows = job.rows[labels == class_id]
        if len(rows):
            pieces = [Piece(None, rows, copied=False)]
            yield LineFile(f"{names[class_id]}{form.suffixes[0]}", "", pieces, None)


def _has_labels(job: ExportJob) -> bool:
    return bool(np.any(job.dataset.labels >= 0))


def _stem(shard: str | None) -> str:
    """Return the name of a file without the suffixes of its format and container."""
    return plain_stem(shard) if shard is not None else "samples"


def _shown(heading: bytes) -> str:
    return repr(heading[:60].decode(errors="replace").rstrip("\r\n"))
