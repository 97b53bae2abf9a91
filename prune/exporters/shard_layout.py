"""Which samples go into which shard, and which shards are written together."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np

from prune.core.arrays import Rows
from prune.exporters.copied_samples import is_copied
from prune.exporters.file_names import distinct
from prune.exporters.job import ExportJob

FEW = 4  # shards: fewer than a trainer has workers
_SHARDS = 16  # for that many workers a shard each
_SHARD = 10_000  # samples
_LEAST = 100  # samples of a shard, where that still makes a few
_PART_ROWS = 4096  # of files that are written before the device is waited for
_PART_BYTES = 32 << 20  # the same of what is copied: no work to lose, and a device takes it in one go


def laid_out(job: ExportJob, layout: str, shard_size: int | None) -> tuple[dict[str, Rows], bool]:
    """Return the rows of each shard, and whether they are those of the source's shards."""
    asked = f"shards {layout} {shard_size}"
    if asked not in job.memo:
        copied = job.reader.format == "webdataset"
        shards = _mirror(job) if copied else {}
        mirrored = copied and (
            layout == "mirror" or (layout == "auto" and not shard_size and _are_enough(job, len(shards)))
        )
        if not mirrored:
            shards = _repack(job, shard_size or _even(len(job)))
        job.memo[asked] = shards, mirrored
    found: tuple[dict[str, Rows], bool] = job.memo[asked]
    return found


def grouped(job: ExportJob, shards: dict[str, Rows]) -> dict[str, list[str]]:
    """Return the names of shards that are written before the device is waited for: small ones together.

    A group is called by its first and last shard, so that its name tells what is in it.
    """
    if job.memo.get("grouped") is not shards:
        size, most = (job.column("size").to_numpy(), _PART_BYTES) if is_copied(job) else (None, _PART_ROWS)
        groups: list[list[str]] = [[]]
        held = 0
        for name, rows in shards.items():
            if held >= most:
                groups.append([])
                held = 0
            held += len(rows) if size is None else int(size[np.searchsorted(job.rows, rows)].sum())
            groups[-1].append(name)
        job.memo["groups"] = {" to ".join(dict.fromkeys((names[0], names[-1]))): names for names in groups}
        job.memo["grouped"] = shards
    found: dict[str, list[str]] = job.memo["groups"]
    return found


def _are_enough(job: ExportJob, shards: int) -> bool:
    return len(job) == 1 or shards >= max(2, min(FEW, len(source_shards(job))))


def source_shards(job: ExportJob) -> list[str]:
    """Return the names of the shards that the samples come from, and of others beside them."""
    return [name for name in job.dataset.sources if name.endswith(".tar")]


def _mirror(job: ExportJob) -> dict[str, Rows]:
    shards = job.by_shard()
    stems = [str(PurePosixPath(name).with_suffix("")) for name, _ in shards]
    names = numbered_on(source_shards(job), len(shards)) or distinct(stems)  # a.tar and A.tar are two
    return {f"{name}.tar": rows for name, (_, rows) in zip(names, shards, strict=True)}


def numbered_on(source: list[str], kept: int) -> list[str] | None:
    """Return names that count on without a gap, where those of the source do and some of it are left out."""
    found = [_NUMBERED.fullmatch(name) for name in source]
    if kept == len(source) or not all(found):
        return None
    parts = [match.groups() for match in found if match]
    first, width = int(parts[0][1]), len(parts[0][1])
    expected = [(parts[0][0], f"{first + at:0{width}d}") for at in range(len(parts))]
    return ["".join(pair) for pair in expected[:kept]] if parts == expected else None


_NUMBERED = re.compile(r"(.*?)(\d+)\.tar")


def _repack(job: ExportJob, size: int) -> dict[str, Rows]:
    return {f"shard-{number:06d}.tar": rows for number, rows in job.chunks(size)}


def _even(samples: int) -> int:
    """Return how many samples a shard gets: several workers find one each, and none is tiny."""
    return max(1, min(_SHARD, max(-(-samples // _SHARDS), min(_LEAST, -(-samples // FEW)))))
