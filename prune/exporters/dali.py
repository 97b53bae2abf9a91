"""Indices for NVIDIA DALI over shards where they lie, as its `wds2idx` writes them, of kept samples alone.

The first line is `v1.2` and the number of samples; then a line a sample has, of each of its files, the
extension, the byte at which it begins, its size and its name.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from prune.core.errors import OptionError
from prune.exporters.job import ExportJob
from prune.exporters.source_shards import SourceMember, require_shards, sample_members, write_records
from prune.exporters.staging.folder import StagingFolder

VERSION = "v1.2"


def dali(job: ExportJob, folder: StagingFolder, /) -> None:
    """Indices for NVIDIA DALI over the original shards: `SHARD.idx` names the kept samples alone.

    `fn.readers.webdataset(paths=[…tar], index_paths=[…idx])` then reads those, and nothing is copied. A shard
    that keeps no sample has no index.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.

    Raises
    ------
    OptionError
        The source has no shards, or a name in them has a space or is not ASCII: an index cannot hold it.
    DataError
        A shard is not the one that was scanned.
    """
    require_shards(job, "dali")
    with job.reporter.stage("export", len(job)) as advance:
        for shard, rows in job.by_shard():
            if not folder.done(shard):
                name = str(PurePosixPath(shard).with_suffix(".idx"))
                with folder.part(shard) as part, job.steady(rows), part.open(name) as out:
                    out.write(f"{VERSION} {len(rows)}\n".encode())
                    for files in sample_members(job, shard, rows):
                        out.write(_line(files, shard))
            advance(len(rows))
    write_records(job, folder)


def _line(files: list[SourceMember], shard: str) -> bytes:
    for file in files:
        if not file.name.isascii() or len(file.name.split()) != 1:
            why = "it has a space or is not ASCII"
            raise OptionError(
                f"an index of DALI cannot hold the name {file.name!r} in {shard}: {why}",
                "prune export --format webdataset   # or rename the files in it",
            )
    words = (f"{file.extension} {file.offset} {file.size} {file.name}" for file in files)
    return f"{' '.join(words)}\n".encode()
