"""The other splits of a dataset, whose exported one is cut down: taken along or left out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from prune.core.errors import OptionError
from prune.exporters import tables
from prune.exporters.columns import conformed
from prune.exporters.job import ExportJob
from prune.exporters.labels import is_relabelled, without_label
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.staging.part import ExportPart
from prune.exporters.table_files import file_tables, kind_of, source_schema, with_column
from prune.readers.huggingface import HuggingFace
from prune.readers.sample import Unit
from prune.readers.source_watch import DisturbedError
from prune.readers.tables import hf_layout
from prune.readers.tables.rows import open_rows
from prune.system import contents
from prune.system.files import NewFile
from prune.system.os_errors import reading

Others = Literal["copy", "link", "omit"]


@dataclass(frozen=True)
class Form:
    """How the files of a split are called and written."""

    kind: str  # of a Hugging Face source whose files can be taken as they are
    pattern: str  # of the path, with {split}, {number} and {count}
    write: Callable[[NewFile, pa.Schema, Iterator[pa.Table]], None]

    def path(self, split: str, number: int, count: int) -> str:
        """Return where a file goes."""
        return self.pattern.format(split=split, number=number, count=count)


def write_splits(job: ExportJob, folder: StagingFolder, form: Form, others: Others) -> dict[str, list[str]]:
    """Write the exported split and the other ones; return the files of each."""
    sources = {} if others == "omit" else _other_splits(job)
    if others == "link":
        _check_link(job, form)
        _say_link(job, sources)
    folder.need(job.size())
    root = job.reader.root
    tokens = {name: token_of(root / name) for names in sources.values() for name in names}
    written = {split_name(job): _write_exported(job, folder, form)}
    tables.note_columns(job)
    if sources and is_relabelled(job) and others == "copy":
        named = ", ".join(sorted(sources))
        job.reporter.say(f"labels are those of {split_name(job)} alone; without labels: {named}")
    for split, names in sources.items():
        written[split] = [form.path(split, i, len(names)) for i in range(len(names))]
        for source, name in zip(names, written[split], strict=True):
            piece = f"{name} of {tokens[source]}"  # one that a killed run took from another file is not done
            if not folder.done(piece):
                with folder.part(piece) as part:
                    _write_other(job, names, source, part, name, form, others)
                    if others != "link" and token_of(root / source) != tokens[source]:  # links show in it
                        raise DisturbedError(f"stale: {source} changed while it was read", _AGAIN)
    return written


def split_name(job: ExportJob) -> str:
    """Return the exported split's name, as the `datasets` library takes it."""
    return re.sub(r"\W", "_", job.reader.split or "train")


def _write_exported(job: ExportJob, folder: StagingFolder, form: Form) -> list[str]:
    shards = tables.shards_of(job)
    names = [form.path(split_name(job), i, len(shards)) for i in range(len(shards))]
    with job.reporter.stage("export", len(job)) as advance:
        for name, shard in zip(names, shards, strict=True):
            if not folder.done(name):
                with folder.part(name) as part, job.steady(shard.rows), part.open(name) as out:
                    form.write(out, tables.schema_of(job, shard), tables.batches(job, shard))
            advance(len(shard.rows))
    return names


def _write_other(
    job: ExportJob, files: Sequence[str], file: str, part: ExportPart, name: str, form: Form, others: Others
) -> None:
    """Write one of the files of another split; together they have the same columns."""
    source = job.reader.root / file
    if others == "link":
        part.link(name, source.resolve(), symbolic=False)
    elif kind_of(source) == form.kind and _is_as_written(job, files, file):
        with part.open(name) as out:
            copy_file(source, out)
    else:
        schema = tables.columns_of(job, files)[files.index(file)]
        full = _weighted(job, schema)
        rows = (without_label(t) if is_relabelled(job) else t for t in file_tables(source))
        rows = (conformed(table, schema) for table in rows)
        with part.open(name) as out:
            form.write(out, full, (_weighing_one(job, table, full) for table in rows))


def _is_as_written(job: ExportJob, files: Sequence[str], file: str) -> bool:
    """Whether the columns of a file need no change, so that its bytes can be copied."""
    if is_relabelled(job) or _lacks_weight(job, source_schema(job.reader.root / file)):
        return False
    return len(files) == 1 or tables.columns_of(job, files)[files.index(file)].equals(
        open_rows(job.reader.root / file, kind_of(job.reader.root / file)).schema
    )


def _lacks_weight(job: ExportJob, schema: pa.Schema) -> bool:
    return job.weights is not None and tables.weight_name(job, schema) not in schema.names


def _weighted(job: ExportJob, schema: pa.Schema) -> pa.Schema:
    if not _lacks_weight(job, schema):
        return schema
    return with_column(schema, tables.weight_name(job, schema), pa.float32())


def _weighing_one(job: ExportJob, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return rows of another split with the weight 1, where the exported one has weights: all are alike."""
    if not _lacks_weight(job, table.schema):
        return table.replace_schema_metadata(schema.metadata)
    name = tables.weight_name(job, table.schema)
    return tables.with_values(table, schema, name, np.ones(len(table), np.float32))


def token_of(path: Path) -> str:
    """Stand for a file as it lies there: its size, times and inode."""
    return Unit(path.name, (path.name,)).token(path.parent)


_AGAIN = "run the command again when the data is at rest"


def copy_file(source: Path, out: NewFile) -> None:
    """Copy the bytes of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    with reading(source, "--other-splits omit"):
        fd = contents.descriptor(source)
        try:
            out.copy(fd, 0, os.fstat(fd).st_size)
        finally:
            os.close(fd)


def _check_link(job: ExportJob, form: Form) -> None:
    if contents.is_remote(job.reader.root):
        raise OptionError("other_splits=link needs files of this machine", "--other-splits copy")
    kind = job.reader.kind if isinstance(job.reader, HuggingFace) else job.reader.format
    if kind != form.kind:
        raise OptionError(
            f"other_splits=link needs {form.kind} files, this dataset has {kind}", "--other-splits copy"
        )


def _say_link(job: ExportJob, sources: Mapping[str, Sequence[str]]) -> None:
    """Say what the files of other splits cannot be given, because they are those of the source."""
    lacking = ["labels"] if is_relabelled(job) else []
    schemas = [source_schema(job.reader.root / names[0]) for names in sources.values()]
    if any(_lacks_weight(job, schema) for schema in schemas):
        lacking.append("weights")
    if lacking:
        job.reporter.say(
            f"links are as in the source: {', '.join(sorted(sources))} have none of the"
            f" {' and '.join(lacking)} of {split_name(job)}; --other-splits copy makes them alike"
        )


def _other_splits(job: ExportJob) -> dict[str, Sequence[str]]:
    """Return the files of each other split; none where the dataset is a single file of a folder."""
    source = job.reader
    if not isinstance(source, HuggingFace) or source.split is None:
        return {}
    names = hf_layout.splits(source.root)
    if source.split not in names:
        return {}
    if tuple(hf_layout.find(source.root, source.split).files) != tuple(source.files):
        return {}
    return {name: hf_layout.find(source.root, name).files for name in names if name != source.split}
