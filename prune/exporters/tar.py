"""Samples as tar bytes: copied from a shard by their ranges, or made from an image and a label."""

from __future__ import annotations

import itertools
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.exporters.carried_fields import carried
from prune.exporters.job import ExportJob, check_digest
from prune.exporters.labels import label_ids
from prune.exporters.member_form import member_form, members_for
from prune.exporters.members import key_and_names
from prune.exporters.renamed_members import other_key, renamed
from prune.exporters.weights import WEIGHT, free_name
from prune.system import contents
from prune.system.files import NewFile
from prune.system.os_errors import reading

BLOCK = 512
CLASS = "cls"  # the member of the class id
END = 2 * BLOCK  # a tar ends with two blocks of zeros
_WINDOW = 4 << 20  # bytes read at once, dropped samples in between included; a larger sample is streamed


class _Sample(NamedTuple):
    key: str
    shard: str
    offset: int
    size: int
    image_offset: int | None
    image_size: int | None
    digest: bytes | None
    weight: bytes | None
    class_id: bytes | None
    relabelled: bool  # its label is not the one in the shard
    replaced: str | None  # the extension of the weight that another one replaces

    @property
    def stop(self) -> int:
        return self.offset + self.size


def copied_size(job: ExportJob) -> int:
    """Bytes of all kept samples, headers and padding included, and of what is added to them."""
    added = (job.weights is not None) + (job.label_file is not None)
    return (pc.sum(job.column("size")).as_py() or 0) + added * 2 * BLOCK * len(job)


def copy_samples(job: ExportJob, rows: Rows, out: NewFile) -> None:
    """Append every member of the samples, as it stands in its shard, and end the tar.

    Where the labels lie in a file of their own, `.cls` is made anew from them; where a selection
    has other weights, so is the weight that is there.

    Raises
    ------
    DataError
        A shard ends early, or an image in it is not the one that was scanned.
    """
    columns = job.samples(rows).select(_Sample._fields[:-4]).to_pydict()
    relabelled = job.label_file is not None
    ids = _class_ids(job, rows) if relabelled else [None] * len(rows)
    same = [relabelled] * len(rows), [job.source_weight] * len(rows)
    added = _weights(job, rows), ids, *same
    samples = (_Sample(*values) for values in zip(*columns.values(), *added, strict=True))
    for shard, kept in groupby(samples, key=lambda sample: sample.shard):
        _copy(job.reader.root / shard, kept, out)
    out.write(bytes(END))


def write_samples(job: ExportJob, rows: Rows, keys: list[str], out: NewFile) -> None:
    """Append an image and a class id for each sample, and end the tar; equal samples are equal bytes.

    `keys` are those of the members, aligned with `rows`.
    """
    ids, weights = _class_ids(job, rows), _weights(job, rows)
    waiting, form = bytearray(), member_form(job)
    samples = zip(keys, ids, weights, job.payloads(rows), carried(job, rows), strict=True)
    for key, class_id, weight, data, more in samples:
        members = {job.form.suffix_of(data): data}
        if class_id is not None:
            members[CLASS] = class_id
        members |= {name: held for name, held in members_for(more, form).items() if name not in members}
        if weight is not None:
            members[free_name(WEIGHT, members)] = weight
        waiting += b"".join(_member(f"{key}.{name}", held) for name, held in members.items())
        if len(waiting) > _WINDOW:
            out.write(bytes(waiting))
            waiting.clear()
    out.write(bytes(waiting) + bytes(END))


def _class_ids(job: ExportJob, rows: Rows) -> list[bytes | None]:
    """Return the class ids of rows as the text of members; None for a sample without a label."""
    return [None if id_ is None else str(id_).encode() for id_ in label_ids(job, rows)]


def _weights(job: ExportJob, rows: Rows) -> list[bytes | None]:
    """Return the weights of rows as the text of members; None for each where all are 1."""
    if job.weights is None:
        return [None] * len(rows)
    return [repr(float(weight)).encode() for weight in job.weights[np.searchsorted(job.rows, rows)]]


def _copy(path: Path, samples: Iterator[_Sample], out: NewFile) -> None:
    with reading(path, _AGAIN):  # what cannot be written is an OutputError already
        fd = contents.descriptor(path)
        try:
            start = _global_header(fd)
            out.copy(fd, 0, start)
            first = next(samples)
            rest = itertools.chain([first], samples)
            head = os.pread(fd, min(first.size, _WINDOW), first.offset)
            if first.relabelled or first.replaced or other_key(head, first.key, path) is not None:
                for sample in rest:
                    made = _made_anew(fd, sample, path)
                    out.write(
                        made if sample.weight is None else made + _weight_member(made, sample.weight, path)
                    )
                return
            with ThreadPoolExecutor(1) as aside:  # what is copied is checked while it is written
                for window in _windows(rest):
                    _copy_window(fd, window, start, path, out, aside)
        finally:
            os.close(fd)


_AGAIN = "run the commands again from the first"


def _made_anew(fd: int, sample: _Sample, path: Path) -> bytes:
    """Return the members of a sample whose key begins with its shard's name, or whose label or weight is new.

    Members of the key that they have are copied.
    """
    data = os.pread(fd, sample.size, sample.offset)
    if len(data) < sample.size:
        raise DataError(f"{path} has changed since it was scanned: it ends early", _AGAIN)
    if sample.image_offset is not None and sample.image_size is not None:
        low = sample.image_offset - sample.offset
        check_digest(sample.key, sample.digest, memoryview(data)[low : low + sample.image_size])
    old = other_key(data, sample.key, path) or sample.key
    without = {name for name in (CLASS if sample.relabelled else None, sample.replaced) if name}
    made = renamed(data, old, sample.key, _member, path, without=without)
    return (
        made
        if not sample.relabelled or sample.class_id is None
        else made + _member(f"{sample.key}.{CLASS}", sample.class_id)
    )


def _global_header(fd: int) -> int:
    """Return where the PAX global headers at the start of a shard end; 0 if there are none."""
    stop = 0
    while True:
        header = os.pread(fd, BLOCK, stop)
        if len(header) < BLOCK or header[156:157] != tarfile.XGLTYPE:
            return stop
        size = int(header[124:136].rstrip(b" \0") or b"0", 8)
        stop += BLOCK + -(-size // BLOCK) * BLOCK


def _windows(samples: Iterator[_Sample]) -> Iterator[list[_Sample]]:
    """Group samples that one read takes in; a larger sample is alone."""
    window: list[_Sample] = []
    for sample in samples:
        if window and sample.stop - window[0].offset > _WINDOW:
            yield window
            window = []
        window.append(sample)
    yield window


def _copy_window(
    fd: int, window: list[_Sample], start: int, path: Path, out: NewFile, aside: ThreadPoolExecutor
) -> None:
    first = window[0].offset
    block = memoryview(os.pread(fd, min(window[-1].stop - first, _WINDOW), first))
    checked = aside.submit(_check, fd, window, block)
    try:
        _write_window(fd, window, block, start, path, out)
    except DataError:
        checked.result()  # it says which sample is another one
        raise
    checked.result()


def _check(fd: int, window: list[_Sample], block: memoryview) -> None:
    """Compare the images of a window with those that were scanned."""
    first = window[0].offset
    for sample in window:
        if sample.image_offset is not None and sample.image_size is not None:
            low = sample.image_offset - first
            image = block[low : low + sample.image_size]
            if len(image) < sample.image_size:
                image = memoryview(os.pread(fd, sample.image_size, sample.image_offset))
            check_digest(sample.key, sample.digest, image)


def _write_window(
    fd: int, window: list[_Sample], block: memoryview, start: int, path: Path, out: NewFile
) -> None:
    first, stop = window[0].offset, window[-1].stop
    groups = [[sample] for sample in window] if window[0].weight is not None else [window]
    for group in groups:
        ranges = list(_joined(group, start))
        if stop - first == len(block):
            pieces = [block[low - first : high - first] for low, high in ranges]
            out.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        else:
            _copy_ranges(fd, ranges, path, out)
        if group[0].weight is not None:
            low = group[0].offset - first
            out.write(_weight_member(bytes(block[low : low + group[0].size]), group[0].weight, path))


def _weight_member(sample: bytes, weight: bytes, path: Path) -> bytes:
    """Return the weight of a copied sample as its last member, called as the others are."""
    key, names = key_and_names(sample, path)
    return _member(f"{key}.{free_name(WEIGHT, names)}", weight)


def _copy_ranges(fd: int, ranges: list[tuple[int, int]], path: Path, out: NewFile) -> None:
    for low, high in ranges:
        try:
            out.copy(fd, low, high - low)
        except EOFError as error:
            raise DataError(f"{path} has changed since it was scanned: {error}", _AGAIN) from error


def _joined(window: list[_Sample], start: int) -> Iterator[tuple[int, int]]:
    """Yield the byte ranges of a window, adjacent ones as one; nothing before `start`."""
    low, high = max(window[0].offset, start), window[0].stop
    for sample in window[1:]:
        if sample.offset != high:
            yield low, high
            low = sample.offset
        high = sample.stop
    yield low, high


def _member(name: str, data: bytes) -> bytes:
    return _header(name, len(data)) + data + bytes(-len(data) % BLOCK)


def _header(name: str, size: int) -> bytes:
    """Return a ustar header, as `tarfile` makes it, with a PAX record where the name needs one."""
    encoded = name.encode(errors="surrogateescape")
    if len(encoded) > _SHORT or not name.isascii():
        info = tarfile.TarInfo(name)  # mode 0644, and no time, no owner
        info.size = size
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    header = bytearray(_TEMPLATE)
    header[: len(encoded)] = encoded
    header[124:135] = b"%011o" % size
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


_SHORT = 100  # bytes of a name without a record
_TEMPLATE = bytearray(tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT))
_TEMPLATE[148:156] = b" " * 8  # a checksum counts itself as spaces
