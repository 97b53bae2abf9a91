"""An index of shards where they lie, for random access by the `wids` library, and the rows that are kept."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path, PurePath

from prune.exporters.job import ExportJob
from prune.exporters.source_shards import require_shards
from prune.exporters.staging.folder import StagingFolder
from prune.system import contents, files
from prune.system.local_paths import real
from prune.system.object_stores.mirror import address_of

FILE = "wids.json"


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
        The source has no shards.
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
        with folder.part("index") as part:
            part.write(FILE, files.json_bytes(index))
            for name, data in sorted(job.records.items()):
                part.write(name, data)


def _place(shard: Path, out: Path) -> str:
    """Return where a shard lies: as seen from the export, or its address in an object store."""
    if contents.is_remote(shard):
        return address_of(shard)
    return PurePath(os.path.relpath(real(shard), real(out))).as_posix()
