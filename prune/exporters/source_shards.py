"""What indices over the shards of a source share: which shards those are, and the members of a sample.

Such an export holds no sample: a trainer reads the original shards, by an index or a list that names the kept
samples alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.exporters.job import ExportJob
from prune.exporters.place import DOT
from prune.exporters.staging.folder import StagingFolder
from prune.readers.tar.held import InPlace
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name
from prune.readers.webdataset import WebDataset
from prune.system import contents
from prune.system.os_errors import reading

_AGAIN = "run the commands again from the first"
_TAKE = 4096  # rows that are held as objects at once


class SourceMember(NamedTuple):
    """A file in a shard."""

    key: str  # as it stands there, up to the first dot of its last part
    extension: str  # what follows that dot, as it is written
    offset: int  # of its bytes
    size: int

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.key}.{self.extension}"


def require_shards(job: ExportJob, form: str) -> WebDataset:
    """Return the reader of a dataset of shards.

    Raises
    ------
    OptionError
        It is of another form.
    """
    if not isinstance(job.reader, WebDataset):
        raise OptionError(
            f"--format {form} is an index over tar shards, and the dataset is {job.reader.format}",
            "prune export --format webdataset   # makes shards",
        )
    return job.reader


def rows_by_shard(job: ExportJob) -> dict[str, Rows]:
    """Return all rows of each shard of the source, kept or not."""
    return dict(replace(job, rows=np.arange(len(job.dataset))).by_shard())


def sample_members(job: ExportJob, shard: str, rows: Rows) -> Iterator[list[SourceMember]]:
    """Yield the files of each row, all of one shard; only headers are read.

    Raises
    ------
    DataError
        The shard is gone, or not the one that was scanned.
    """
    path: Path = job.reader.root / shard
    with reading(path, _AGAIN):
        content = contents.opened(path)
    try:
        places = job.dataset.samples.select(["offset", "size"]).take(pa.array(rows))
        for part in places.to_batches(max_chunksize=_TAKE):
            for offset, size in zip(*part.to_pydict().values(), strict=True):
                yield list(_named(InPlace(content, offset, size, path), offset))
    finally:
        content.close()


def _named(held: InPlace, offset: int) -> Iterator[SourceMember]:
    for member in members(held):
        folder, slash, name = member.name.rpartition("/")
        stem, dot, extension = name.partition(".")
        if member.kind == "file" and stem and dot and split_name(member.name):
            yield SourceMember(f"{folder}{slash}{stem}", extension, offset + member.data, member.size)


def write_records(job: ExportJob, folder: StagingFolder) -> None:
    """Write what describes the selection beside the index."""
    if job.records and not folder.done("records"):
        with folder.part("records") as part:
            for name, data in sorted(job.records.items()):
                part.write(f"{DOT}/{name}", data)
