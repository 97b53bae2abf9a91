"""The members of a sample in a shard, taken out of its byte range."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.exporters.job import ExportJob
from prune.readers.tar.held import Held, InPlace
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name
from prune.system import contents
from prune.system.contents import OpenedFile
from prune.system.os_errors import reading

AGAIN = "run the commands again from the first"


def members_of(job: ExportJob, rows: Rows) -> Iterator[dict[str, bytes]]:
    """Yield the members of each sample but its image, by their extensions.

    Raises
    ------
    DataError
        A shard is gone, or not the one that was scanned.
    """
    for content, shard, offset, size, image in _ranges(job, rows):
        data = content.read(offset, size)
        if len(data) != size:
            raise DataError(f"{shard} has changed since it was scanned: it ends early", AGAIN)
        yield _parsed(data, None if image is None else image - offset, job.reader.root / shard)


def member_of(job: ExportJob, rows: Rows, extension: str, limit: int) -> Iterator[bytes | None]:
    """Yield the first `limit` bytes of one member of each sample, None without it; of others, only headers.

    Raises
    ------
    DataError
        A shard is gone, or not the one that was scanned.
    """
    for content, shard, offset, size, _ in _ranges(job, rows):
        held = InPlace(content, offset, size, job.reader.root / shard)
        named = ((split_name(member.name), member) for member in members(held))
        found = next((member for name, member in named if name and name[1] == extension), None)
        yield held.read(found.data, min(found.size, limit)) if found and found.kind == "file" else None


def _ranges(job: ExportJob, rows: Rows) -> Iterator[tuple[OpenedFile, str, int, int, int | None]]:
    """Yield where each sample lies: its shard, open and by name, its byte range, and where its image is."""
    columns = job.samples(rows).select(["shard", "offset", "size", "image_offset"]).to_pydict()
    opened: str | None = None
    content: OpenedFile | None = None
    try:
        for shard, offset, size, image in zip(*columns.values(), strict=True):
            if content is None or shard != opened:
                if content is not None:
                    content.close()
                opened, content = shard, None
                with reading(shard, AGAIN):
                    content = contents.opened(job.reader.root / shard)
            yield content, shard, offset, size, image
    finally:
        if content is not None:
            content.close()


def key_and_names(sample: bytes, path: Path) -> tuple[str, list[str]]:
    """Return the key of a sample as its members have it, and their extensions; its bytes may be cut short."""
    key, names = "", []
    with suppress(DataError):
        for member in members(Held(sample, path, cut=True)):
            named = split_name(member.name)
            if named:
                key = key or named[0]
                names.append(named[1])
    return key, names


def _parsed(data: bytes, image: int | None, path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for member in members(Held(data, path)):
        named = split_name(member.name)
        if named and member.kind == "file" and member.data != image:
            found[named[1]] = data[member.data : member.data + member.size]
    return found
