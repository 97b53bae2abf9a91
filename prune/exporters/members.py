"""The members of a sample in a shard, taken out of its byte range."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress

from prune.arrays import Rows
from prune.errors import DataError
from prune.exporters.job import Job
from prune.readers.group import split_name

AGAIN = "run the commands again from the first"


def members_of(job: Job, rows: Rows) -> Iterator[dict[str, bytes]]:
    """Yield the members of each sample but its image, by their extensions.

    Raises
    ------
    DataError
        A shard is gone, or not the one that was scanned.
    """
    columns = job.samples(rows).select(["shard", "offset", "size", "image_offset"]).to_pydict()
    opened, fd = None, -1
    try:
        for shard, offset, size, image in zip(*columns.values(), strict=True):
            if shard != opened:
                fd = _reopened(job, shard, fd)
                opened = shard
            data = os.pread(fd, size, offset)
            if len(data) != size:
                raise DataError(f"{shard} has changed since it was scanned: it ends early", AGAIN)
            yield _parsed(data, None if image is None else image - offset, shard)
    finally:
        if fd >= 0:
            os.close(fd)


def key_and_names(sample: bytes) -> tuple[str, list[str]]:
    """Return the key of a sample as its members have it, and their extensions; its bytes may be cut short."""
    key, names = "", []
    with tarfile.open(fileobj=io.BytesIO(sample), mode="r:", errorlevel=0) as tar, suppress(tarfile.TarError):
        for member in tar:
            named = split_name(member.name)
            if named:
                key = key or named[0]
                names.append(named[1])
    return key, names


def _parsed(data: bytes, image: int | None, shard: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                named = split_name(member.name)
                if named and member.isfile() and member.offset_data != image:
                    start = member.offset_data
                    found[named[1]] = data[start : start + member.size]
    except tarfile.TarError as error:
        raise DataError(f"{shard} has changed since it was scanned: {error}", AGAIN) from error
    return found


def _reopened(job: Job, shard: str, fd: int) -> int:
    if fd >= 0:
        os.close(fd)
    try:
        return os.open(job.reader.root / shard, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DataError(f"{shard} cannot be read: {str(error.strerror).lower()}", AGAIN) from error
