"""An index of shards where they lie, for random access by the `wids` library, and the rows that are kept."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

import pyarrow as pa

from prune.core.errors import OptionError
from prune.exporters.job import ExportJob
from prune.exporters.source_shards import require_shards, rows_by_shard
from prune.exporters.staging.folder import StagingFolder
from prune.readers.tar.held import InPlace
from prune.readers.tar.members import BLOCK, members
from prune.system import contents, files
from prune.system.local_paths import real
from prune.system.object_stores.mirror import address_of, cache_home
from prune.system.os_errors import reading

FILE = "wids.json"
_FILES = (b"0", b"\0")  # what a header calls a file
_SPLIT = re.compile(r"^((?:.*/)?.*?)(\..*)$")


def wids(job: ExportJob, folder: StagingFolder, /) -> None:
    """An index of the original shards for random access by `wids`, and `indices.npy`: what of it is kept.

    `Subset(ShardListDataset("OUT/wids.json"), np.load("OUT/indices.npy"))` reads the kept samples, and
    nothing is copied. Shards are named as seen from the export: move both together.

    Parameters
    ----------
    job
        The samples.
    folder
        Where it goes.

    Raises
    ------
    OptionError
        The source has no shards, or `wids` would number the samples of one in another way.
    DataError
        A shard is not the one that was scanned.
    """
    reader = require_shards(job, "wids")
    held = Counter(job.dataset.samples["shard"].to_pylist())
    listed = []
    for name in reader.shards:
        if held[name]:
            place = _place(reader.root / name, folder.out)
            listed.append({"url": place, "nsamples": held[name]})
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    if not folder.done("index"):
        _require_same_numbers(job)
        with folder.part("index") as part:
            part.write(FILE, files.json_bytes(index))
            for name, data in sorted(job.records.items()):
                part.write(name, data)


def _require_same_numbers(job: ExportJob) -> None:
    """Refuse shards in which the library finds other samples than those that were scanned.

    It goes by plain headers alone: longer names are cut there, and members of no sample are one.
    """
    every = rows_by_shard(job)
    offsets = job.dataset.samples["offset"]
    with job.reporter.stage("export", len(job)) as advance:
        for shard, rows in job.by_shard():
            path = job.reader.root / shard
            with reading(path), job.steady(rows):
                content = contents.opened(path)
                try:
                    found = list(_starts(InPlace(content, 0, content.size, path)))
                finally:
                    content.close()
            if found != offsets.take(pa.array(every[shard])).to_pylist():
                raise OptionError(
                    f"wids numbers the samples of {shard} in another way: names in it are of over 100 "
                    "characters, or of no sample",
                    "prune export --format webdataset   # copies what is kept, with an index of its own",
                )
            advance(len(rows))


def _starts(held: InPlace) -> Iterator[int]:
    """Yield where each sample begins that the library finds, by the rules of its `group_by_key`."""
    seen: set[str] = set()
    last = None
    for member in members(held):
        header = held.read(member.data - BLOCK, BLOCK)
        name = header[:100].decode("utf-8", "replace").strip("\0")
        if member.kind != "file" or header[156:157] not in _FILES or "." not in name:
            continue
        split = _SPLIT.match(name)
        if split is None or name in seen or "\ufffd" in name:
            yield -1  # what the library makes of it is no sample
            return
        seen.add(name)
        if split[1] != last:
            last = split[1]
            yield member.offset


def _place(shard: Path, out: Path) -> str:
    """Return where a shard lies: as seen from the export, or its address in an object store."""
    if contents.is_remote(shard):
        return address_of(shard)
    if real(out).is_relative_to(real(cache_home())):
        what = "wids.json says where shards lie, and these lie on this machine, where no bucket leads to"
        raise OptionError(what, "--out DIR   # beside the shards")
    return PurePath(os.path.relpath(real(shard), real(out))).as_posix()
