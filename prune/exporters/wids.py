"""An index of shards where they lie, for random access by the `wids` library, and the rows that are kept."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import PurePath

from prune.exporters.job import ExportJob
from prune.exporters.source_shards import require_shards
from prune.exporters.staging.folder import StagingFolder
from prune.system import files
from prune.system.local_paths import real

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
            path = real(reader.root / name)
            seen = PurePath(os.path.relpath(path, real(folder.out))).as_posix()
            listed.append({"url": seen, "nsamples": held[name], "filesize": path.stat().st_size})
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    if not folder.done("index"):
        with folder.part("index") as part:
            part.write(FILE, files.json_bytes(index))
            for name, data in sorted(job.records.items()):
                part.write(name, data)
