"""An export of line files: planned, then written file by file, small files together in one part."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from prune.core.arrays import Labels
from prune.core.safe_text import counted
from prune.exporters.carried_columns import form_of_columns
from prune.exporters.carried_form import form_of, note_form
from prune.exporters.class_ids import are_numbers, source_ids
from prune.exporters.job import ExportJob
from prune.exporters.lines.blocks import framed, joined
from prune.exporters.lines.container import packed
from prune.exporters.lines.form import LineForm
from prune.exporters.lines.made import Fields, fields_of, made, say_left_out
from prune.exporters.lines.names import class_files
from prune.exporters.lines.other_splits import OtherSplits, copy_other_splits
from prune.exporters.lines.plan import LineFile, Piece, line_source, planned
from prune.exporters.lines.weights import write_weights
from prune.exporters.place import DOT
from prune.exporters.staging.folder import StagingFolder
from prune.readers.labels.exported_classes import NAME, ExportedClass, described
from prune.readers.sample import number_order

_PART_ROWS = 4096  # of files that are written before the device is waited for


def write_lines(job: ExportJob, folder: StagingFolder, form: LineForm, others: OtherSplits) -> None:
    """Write the samples as files of lines, and what becomes of the `others`, the splits beside them.

    Raises
    ------
    OptionError
        One file cannot hold them, or a text cannot be a record.
    DataError
        The source is not the one that was scanned.
    """
    files = planned(job, folder, form)
    fields = None if all(file.copied for file in files) else fields_of(job, form)
    _say_empty(job, files)
    say_left_out(job, form, files, fields, single=folder.single)
    folder.need(_size(job, files))
    with job.reporter.stage("export", len(job)) as advance:
        for group in _grouped(files):
            rows = np.sort(np.concatenate([file.rows for file in group]))
            if not folder.done(group[0].name):
                with folder.part(group[0].name) as part, job.steady(rows):
                    for file in group:
                        with part.open(file.name) as out, packed(out, file.container) as write:
                            for block in _blocks(job, file, form, fields):
                                write(block)
            advance(len(rows))
    _write_classes(job, folder, form, fields)
    note_form(job, form_of(job) if fields is None else form_of_columns(fields.columns, form.kinds))
    write_weights(job, folder, files, fields)
    copy_other_splits(job, folder, form, files, others)


def _write_classes(job: ExportJob, folder: StagingFolder, form: LineForm, fields: Fields | None) -> None:
    """List the classes by their ids, where labels alone would come in another order, or be names of files."""
    classes, labels = job.dataset.classes, job.dataset.labels[job.rows]
    counts = np.bincount(labels + 1, minlength=len(classes) + 1)[1:].tolist()
    if fields is None:  # as the source does, if it does
        listed: Mapping[str, ExportedClass] = getattr(job.reader, "exported", {})
        held = dict(zip(classes, counts, strict=True))
        rows = [(one.folder, one.name, one.id, held.get(one.name, 0)) for one in listed.values()]
    else:
        apart = not form.holds_fields and not folder.single  # a file a class
        told = apart or (fields.label and not _say_the_same(job, labels))
        called = class_files(classes) if apart else classes
        rows = list(zip(called, classes, source_ids(job), counts, strict=True)) if told else []
    if rows and not folder.done("classes"):
        with folder.part("classes") as part:
            part.write(f"{DOT}/{NAME}", described(rows))


def _say_the_same(job: ExportJob, labels: Labels) -> bool:
    """Whether labels without a list are read as the classes that there are, with their ids."""
    classes = job.dataset.classes
    names = number_order([classes[row] for row in np.unique(labels[labels >= 0])])
    read = list(map(int, names)) if are_numbers(names) else list(range(len(names)))
    return (names, read) == (classes, source_ids(job))


def _blocks(job: ExportJob, file: LineFile, form: LineForm, fields: Fields | None) -> Iterator[bytes]:
    """Yield what a file holds, in blocks."""
    if file.frame is not None:
        pieces = (_records(job, piece, form, fields)[0] for piece in file.pieces)
        yield from framed(itertools.chain.from_iterable(pieces), file.frame)
        return
    if file.heading is not None:
        yield file.heading
    elif form.heading is not None and fields is not None:
        yield form.heading(fields.names)
    for piece in file.pieces:
        yield from joined(*_records(job, piece, form, fields))


def _records(
    job: ExportJob, piece: Piece, form: LineForm, fields: Fields | None
) -> tuple[Iterable[bytes], bytes]:
    """Return the records of a piece, and what ends each."""
    if piece.copied and piece.shard is not None:
        source, samples = line_source(job), job.samples(piece.rows)
        fitted = form.takes.get(job.reader.format)
        records = source.records(samples)
        return records if fitted is None else map(fitted, records), source.line_end(piece.shard)
    assert fields is not None
    return made(job, piece.rows, form, fields), b"\n"


def _grouped(files: Sequence[LineFile]) -> Iterator[list[LineFile]]:
    group: list[LineFile] = []
    size = 0
    for file in files:
        group.append(file)
        size += len(file.rows)
        if size >= _PART_ROWS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _size(job: ExportJob, files: Sequence[LineFile]) -> int:
    """Return how many bytes the files may take: of compressed ones a part that is usual."""
    whole = job.size()
    copied = job.column("size").combine_chunks().fill_null(0).to_numpy()
    whole = max(whole, int(copied.sum()) + len(job)) if len(copied) else whole
    return whole // _USUAL if all(file.container for file in files) else whole


_USUAL = 4  # times that text becomes smaller at least, as a rule


def _say_empty(job: ExportJob, files: Sequence[LineFile]) -> None:
    """Say which files of the source keep no sample, so that nobody looks for them."""
    if not any(piece.copied for file in files for piece in file.pieces):
        return
    kept = {piece.shard for file in files for piece in file.pieces}
    empty = [name for name in job.dataset.sources if name not in kept]
    if empty:
        named = ", ".join(empty[:3]) + (", …" if len(empty) > 3 else "")
        are = "keeps no sample and is" if len(empty) == 1 else "keep no sample and are"
        job.reporter.say(
            f"{counted(len(empty), 'file')} of {len(job.dataset.sources)} {are} left out: {named}"
        )
