"""A list for Megatron-Energon of what not to read: `split.yaml` over shards where they lie.

Its entries go through brace expansion there, so that signs which mean something to that are written with a
backslash. JSON strings are YAML strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.exporters.job import ExportJob
from prune.exporters.source_shards import require_shards, rows_by_shard, sample_members, write_records
from prune.exporters.staging.folder import StagingFolder

FILE = "split.yaml"
_PART = "train"


def energon(job: ExportJob, folder: StagingFolder, /) -> None:
    """An exclude list for Megatron-Energon over the original shards: `split.yaml`, for `.nv-meta/`.

    It names shards that keep no sample, and of others the samples that are not kept. Run `energon prepare`
    on the shards as usual, put the file in the place of `.nv-meta/split.yaml` (or beside it, as a
    `split_config`), and nothing is copied. Energon wants keys that differ across shards.

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
    DataError
        A shard is not the one that was scanned, or a key in it is not UTF-8.
    """
    reader = require_shards(job, "energon")
    if not folder.done(FILE):
        with folder.part(FILE) as part, part.open(FILE) as out:
            shards = [name for name in reader.shards if name in job.dataset.sources]
            out.write(f"split_parts:\n  {json.dumps(reader.split or _PART)}:\n".encode())
            out.write("".join(f"  - {_entry(name)}\n" for name in shards).encode())
            out.write(b"exclude:\n" if len(job) < len(job.dataset) else b"exclude: []\n")
            with job.reporter.stage("export", len(shards)) as advance:
                rows = rows_by_shard(job)
                for name in shards:
                    for entry in _left_out(job, name, rows.get(name, job.rows[:0])):
                        out.write(f"- {_entry(entry)}\n".encode())
                    advance(1)
    write_records(job, folder)


def _left_out(job: ExportJob, shard: str, own: Rows) -> Iterator[str]:
    """Yield the shard where it keeps nothing of its `own` rows, else each sample of it that is not kept."""
    at = np.searchsorted(job.rows, [own[0], own[-1] + 1]) if len(own) else [0, 0]
    rows = np.setdiff1d(own, job.rows[at[0] : at[1]])
    if len(rows) == len(own):
        yield shard
        return
    for files in sample_members(job, shard, rows):
        if files:
            yield f"{shard}/{files[0].key}"


def _entry(name: str) -> str:
    """Return a name as a YAML string that brace expansion leaves as it is."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = name.encode(errors="backslashreplace").decode()
        raise DataError(
            f"{shown} is not UTF-8, and a list for Energon is", "--format webdataset copies what is kept"
        ) from error
    return json.dumps(_SIGNS.sub(r"\\\g<0>", name), ensure_ascii=False)


_SIGNS = re.compile(r"[\\{}]")
