"""Fields of the samples of shards: the object in `.json`, and texts beside it by their extensions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError
from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.tar.held import InPlace
from prune.readers.tar.members import Member, members
from prune.readers.tar.samples import split_name
from prune.system import contents
from prune.system.contents import OpenedFile
from prune.system.os_errors import reading

TEXTS = ("txt", "text", "caption", "cls")  # extensions of members that are a field each
_JSON = "json"
_AGAIN = "scan the dataset again"


def member_records(root: Path, samples: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the fields of each row of `SAMPLES`; only headers and those members are read.

    A `.json` that is no object, or cannot be parsed, has no fields.

    Raises
    ------
    DataError
        A shard is gone, or is not the one that was scanned.
    """
    opened: str | None = None
    content: OpenedFile | None = None
    try:
        for part in samples.select(["shard", "offset", "size"]).to_batches(max_chunksize=4096):
            for shard, offset, size in zip(*part.to_pydict().values(), strict=True):
                if content is None or shard != opened:
                    if content is not None:
                        content.close()
                    opened, content = shard, None
                    with reading(root / shard, _AGAIN):
                        content = contents.opened(root / shard)
                yield _record(InPlace(content, offset, size, root / shard))
    finally:
        if content is not None:
            content.close()


def _record(held: InPlace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in members(held):
        named = split_name(member.name)
        if named is None or member.kind != "file" or member.size > MAX_LINE_BYTES:
            continue
        if named[1] == _JSON:
            found |= _object(_bytes(held, member))
        elif named[1] in TEXTS:
            text = _text(_bytes(held, member))
            if text is not None:
                found.setdefault(named[1], text)
    return found


def _bytes(held: InPlace, member: Member) -> bytes:
    data = held.read(member.data, member.size)
    if len(data) != member.size:
        raise DataError(f"{held.path} has changed since it was scanned: it ends early", _AGAIN)
    return data


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return None
