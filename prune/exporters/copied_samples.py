"""Samples of a shard copied into another, by their byte ranges and never decoded.

What is copied is not looked at: that it is what was scanned, `ExportJob.steady` vouches for, by size, times
and inode of a shard before and after it is read, and by its SHA-256 where these differ or cannot tell.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.exporters.job import ExportJob, check_digest
from prune.exporters.members import key_and_names
from prune.exporters.renamed_members import other_key, renamed
from prune.exporters.tar import BLOCK, CLASS, END, class_ids, member, weights_of, write_together
from prune.exporters.weights import WEIGHT, free_name
from prune.system import contents
from prune.system.byte_ranges import copy_ranges, joined
from prune.system.files import NewFile
from prune.system.os_errors import reading

_HEAD = 4 << 20  # bytes of a sample that are looked at for its names, and that are held of a larger one


def copied_size(job: ExportJob) -> int:
    """Bytes of all kept samples, headers and padding included, and of what is added to them."""
    added = (job.weights is not None) + (job.label_file is not None)
    return (pc.sum(job.column("size")).as_py() or 0) + added * 2 * BLOCK * len(job)


def is_copied(job: ExportJob) -> bool:
    """Whether samples are copied with nothing added or made anew."""
    added = (job.label_file, job.source_weight, job.weights)
    return job.reader.format == "webdataset" and all(one is None for one in added)


def copy_samples(job: ExportJob, rows: Rows, out: NewFile, *, ahead: bool) -> None:
    """Append every member of the samples, as it stands in its shard, and end the tar.

    Where the labels lie in a file of their own, `.cls` is made anew from them; where a selection
    has other weights, so is the weight that is there. `ahead`: as for `copy_ranges`.

    Raises
    ------
    DataError
        A shard ends early, or an image of a sample that is made anew is not the one that was scanned.
    """
    table = job.samples(rows)
    shards = table["shard"].combine_chunks().dictionary_encode()
    codes = shards.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
        path = job.reader.root / shards.dictionary[int(codes[start])].as_py()
        _copy(job, path, rows[start:stop], table.slice(start, stop - start), out, ahead=ahead)
    out.write(bytes(END))


def _copy(job: ExportJob, path: Path, rows: Rows, table: pa.Table, out: NewFile, *, ahead: bool) -> None:
    with reading(path, _AGAIN):  # what cannot be written is an OutputError already
        fd = contents.descriptor(path)
        try:
            begin = _global_header(fd)
            out.copy(fd, 0, begin)
            first = next(_samples(table.slice(0, 1)))
            head = os.pread(fd, min(first.size, _HEAD), first.offset)
            starts, stops = _ranges(table, begin)
            anew = job.label_file is not None or job.source_weight is not None
            if anew or other_key(head, first.key, path) is not None:
                write_together(_made_anew(job, fd, path, rows, table), out)
            elif job.weights is not None:
                write_together(_weighted(fd, path, starts, stops, weights_of(job, rows)), out)
            else:
                copy_ranges(fd, *joined(starts, stops), out, ahead=ahead)
        except EOFError as error:
            raise DataError(f"{path} has changed since it was scanned: {error}", _AGAIN) from error
        finally:
            os.close(fd)


_AGAIN = "run the commands again from the first"


class _Sample(NamedTuple):
    key: str
    offset: int
    size: int
    image_offset: int | None
    image_size: int | None
    digest: bytes | None


def _samples(table: pa.Table) -> Iterator[_Sample]:
    columns = table.select(_Sample._fields).to_pydict().values()
    return (_Sample(*values) for values in zip(*columns, strict=True))


def _ranges(table: pa.Table, begin: int) -> tuple[Rows, Rows]:
    """Return where samples begin, nothing before `begin`, and where they end."""
    starts = table["offset"].to_numpy()
    return np.maximum(starts, begin), starts + table["size"].to_numpy()


def _read(fd: int, start: int, stop: int) -> bytes:
    data = os.pread(fd, stop - start, start)
    if len(data) < stop - start:
        raise EOFError(f"the source ends at byte {start + len(data)}, {stop - start - len(data)} bytes early")
    return data


def _weighted(fd: int, path: Path, starts: Rows, stops: Rows, weights: list[bytes | None]) -> Iterator[bytes]:
    """Yield samples as they stand, each with its weight as its last member, called as the others are."""
    for start, stop, weight in zip(starts.tolist(), stops.tolist(), weights, strict=True):
        head = _read(fd, start, min(start + _HEAD, stop))
        yield head
        for at in range(start + _HEAD, stop, _HEAD):
            yield _read(fd, at, min(at + _HEAD, stop))
        if weight is not None:
            yield _weight_member(head, weight, path)


def _weight_member(sample: bytes, weight: bytes, path: Path) -> bytes:
    """Return the weight of a copied sample as its last member, called as the others are."""
    key, names = key_and_names(sample, path)
    return member(f"{key}.{free_name(WEIGHT, names)}", weight)


def _made_anew(job: ExportJob, fd: int, path: Path, rows: Rows, table: pa.Table) -> Iterator[bytes]:
    """Yield samples whose key begins with their shard's name, or whose label or weight is new.

    Members of the key that they have are copied.
    """
    relabelled = job.label_file is not None
    without = {name for name in (CLASS if relabelled else None, job.source_weight) if name}
    ids = class_ids(job, rows) if relabelled else [None] * len(rows)
    for sample, id_, weight in zip(_samples(table), ids, weights_of(job, rows), strict=True):
        data = _read(fd, sample.offset, sample.offset + sample.size)
        if sample.image_offset is not None and sample.image_size is not None:
            low = sample.image_offset - sample.offset
            check_digest(sample.key, sample.digest, memoryview(data)[low : low + sample.image_size])
        old = other_key(data, sample.key, path) or sample.key
        made = renamed(data, old, sample.key, member, path, without=without)
        yield made
        if id_ is not None:
            yield member(f"{sample.key}.{CLASS}", id_)
        if weight is not None:
            yield _weight_member(made, weight, path)


def _global_header(fd: int) -> int:
    """Return where the PAX global headers at the start of a shard end; 0 if there are none."""
    stop = 0
    while True:
        header = os.pread(fd, BLOCK, stop)
        if len(header) < BLOCK or header[156:157] != tarfile.XGLTYPE:
            return stop
        size = int(header[124:136].rstrip(b" \0") or b"0", 8)
        stop += BLOCK + -(-size // BLOCK) * BLOCK
