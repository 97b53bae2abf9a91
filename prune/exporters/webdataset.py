"""Tar shards: byte ranges of the source's shards, or new members around the source's images."""

from __future__ import annotations

import functools
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np

from prune.core.arrays import Rows
from prune.core.errors import OptionError, StoreError
from prune.exporters.apart import write_parts
from prune.exporters.carried_fields import say_what_is_lost
from prune.exporters.carried_form import form_of, note_form
from prune.exporters.class_ids import counts_up, source_ids
from prune.exporters.copied_samples import copied_size, copy_samples, is_copied
from prune.exporters.file_names import say_renamed, shard_keys
from prune.exporters.job import ExportJob
from prune.exporters.member_form import member_form
from prune.exporters.shard_layout import FEW, grouped, laid_out, numbered_on, source_shards
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.tar import END, write_samples
from prune.readers.webdataset import CLASS_NAMES, WebDataset
from prune.system import files
from prune.system.contents import is_remote
from prune.system.cores import core_count
from prune.system.files import NewFile
from prune.system.os_errors import reading

_COPIERS = 8  # threads at most: no disk takes more
_INDEX = "wids.json"


def webdataset(
    job: ExportJob,
    folder: StagingFolder,
    /,
    *,
    layout: Literal["auto", "mirror", "repack"] = "auto",
    shard_size: int | None = None,
) -> None:
    """Tar shards; from shards, every member of every kept sample is copied unchanged and never decoded.

    Labels of a file of their own replace `key.cls`.
    From other datasets each sample becomes members: `key.suffix` with the bytes of the image, `key.cls` with
    the class id, `key.json` with the columns of a table or of metadata (`key.metadata.json` where images have
    a JSON file of its own; a caption also as `key.txt`), and the files that lie beside an image. Weights that
    are not 1 are in `key.weight`, multiplied by those that samples bring from an earlier export. Beside the
    shards lie `sizes.json`, `wids.json` and `classnames.txt`.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    layout
        `mirror`: one shard for each shard of the source that keeps a sample, of the same name; where those of
        the source are numbered and some are left out, the others are numbered on. `repack`: shards of equal
        size. `auto`: `mirror`, unless that leaves fewer than four (or fewer than the source has), or one.
    shard_size
        Samples in a shard of `repack`; default: 10,000, or fewer where that would make fewer than 16 shards.

    Raises
    ------
    OptionError
        `shard_size` is not positive.
    DataError
        A shard is not the one that was scanned.
    """
    if shard_size is not None and shard_size < 1:
        raise OptionError(f"shard_size={shard_size} is not positive", "--shard-size 10000")
    copied = job.reader.format == "webdataset"
    shards, mirrored = laid_out(job, layout, shard_size)
    if len(shards) < FEW <= len(job):
        job.reporter.say(_few_shards(len(shards), len(job)))
    if mirrored:
        _say_empty(job, list(shards))
    say_what_is_lost(job)
    size = copied_size(job) if copied else job.size() + 2048 * len(job)
    folder.need(size + END * len(shards))
    if not copied:
        say_renamed(job, _keys(job), "a key ends at the first dot of its last part")
    groups = grouped(job, shards)
    threads = (
        min(core_count(), len(groups), _COPIERS) if is_copied(job) and not is_remote(job.reader.root) else 1
    )
    layouts: dict[str, Any] = {"layout": layout, "shard_size": shard_size}
    write = functools.partial(write_shards, job, folder, **layouts, ahead=threads == 1)
    with job.reporter.stage("export", len(job)) as advance:
        for group in write_parts(job, folder, list(groups), write, threads=threads):
            advance(sum(len(shards[name]) for name in groups[group]))
    note_form(job, form_of(job) if copied else member_form(job))
    _describe(job, folder, shards)


def write_shards(
    job: ExportJob,
    folder: StagingFolder,
    group: str,
    /,
    *,
    layout: Literal["auto", "mirror", "repack"] = "auto",
    shard_size: int | None = None,
    ahead: bool = True,
) -> None:
    """Write the shards that are written together, by the name of the group; `ahead`: as for `copy_ranges`."""
    shards, _ = laid_out(job, layout, shard_size)
    names = grouped(job, shards)[group]
    rows = np.concatenate([shards[name] for name in names])
    with folder.part(group) as part, job.steady(rows):
        for name in names:
            with part.open(name) as out:
                _fill(job, shards[name], out, ahead=ahead)


def _keys(job: ExportJob) -> list[str]:
    """Return the keys of all members, where these are made anew."""
    if "shard keys" not in job.memo:
        job.memo["shard keys"] = shard_keys(job.column("key").to_pylist(), job.rows.tolist())
    keys: list[str] = job.memo["shard keys"]
    return keys


def _fill(job: ExportJob, rows: Rows, out: NewFile, *, ahead: bool) -> None:
    if job.reader.format == "webdataset":
        copy_samples(job, rows, out, ahead=ahead)
    else:
        first = int(np.searchsorted(job.rows, rows[0]))
        write_samples(job, rows, _keys(job)[first : first + len(rows)], out)


def _say_empty(job: ExportJob, kept: list[str]) -> None:
    """Say that shards of the source are not there, so that nobody counts on their names."""
    source = source_shards(job)
    left = len(source) - len(kept)
    if left > 0:
        held = "keeps" if left == 1 else "keep"
        numbered = numbered_on(source, len(kept)) is not None
        how = f"the others are called {kept[0]} to {kept[-1]}" if numbered else _GAPS
        job.reporter.say(
            f"{left} of {len(source)} shards {held} no sample and {_LEFT[left == 1]} left out: {how}"
        )


_LEFT = {True: "is", False: "are"}
_GAPS = "names may have gaps; wids.json lists them, and --layout repack counts on"


def _few_shards(shards: int, samples: int) -> str:
    return (
        f"{shards} shard{'s' if shards > 1 else ''}: each worker of a DataLoader reads whole shards, so more"
        f" than {shards} find nothing; --layout repack --shard-size {-(-samples // 8)} makes 8"
    )


def _describe(job: ExportJob, folder: StagingFolder, shards: dict[str, Rows]) -> None:
    """Write what trainers read beside the shards: samples of each, and the class names."""
    names = [PurePosixPath(name).name for name in shards]
    unique = names if len(set(names)) == len(names) else list(shards)
    sizes = {name: len(rows) for name, rows in zip(unique, shards.values(), strict=True)}
    listed = [
        {"url": name, "nsamples": len(rows), "filesize": folder.files[name]["size"]}
        for name, rows in shards.items()
    ]
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": listed}
    if folder.done("index"):
        return
    with folder.part("index") as part:
        part.write("sizes.json", files.json_bytes(sizes))
        part.write(_INDEX, files.json_bytes(index))
        names_of_classes = _class_names(job)
        if names_of_classes:
            part.write(CLASS_NAMES, names_of_classes)


def _class_names(job: ExportJob) -> bytes:
    """Return one class name a line, so that a number in `.cls` is the place of its line; empty without one.

    Copied labels mean what the source says they do: its file, if it has one, goes with them.
    """
    if isinstance(job.reader, WebDataset) and job.label_file is None:
        return _copied_names(job, job.reader)
    if not np.any(job.dataset.labels >= 0) or not counts_up(source_ids(job)):
        return b""  # labels that are numbers with gaps are no places in a list
    return "".join(f"{' '.join(name.split())}\n" for name in job.dataset.classes).encode()


def _copied_names(job: ExportJob, source: WebDataset) -> bytes:
    name = source.names_file
    with reading(name, "run the command again"):
        data = (source.root / name).read_bytes() if name else b""
    scanned = next((file for file in job.dataset.seen if file not in job.dataset.sources), None)
    if name != scanned or source.classes(job.dataset.classes) != job.dataset.classes:
        raise StoreError(
            f"stale: the classes in {source.root} changed while it was read",
            f"bring {CLASS_NAMES} back as it was and run the command again",
        )
    return data
