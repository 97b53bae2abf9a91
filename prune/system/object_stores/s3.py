"""Bytes of an object of S3, on the condition that it is still the one that was listed."""

from __future__ import annotations

from typing import Any

from prune.system.object_stores.retries import ChangedObjectError, status_of

_PRECONDITION = 412


def read(system: Any, address: str, start: int, stop: int, tag: str | None) -> bytes:
    """Return the bytes [start, stop) of an object with this ETag."""
    from fsspec.asyn import sync

    bucket, key, _ = system.split_path(address)
    condition = {} if tag is None else {"IfMatch": tag}

    async def ask() -> bytes:
        found = await system._call_s3(
            "get_object", Bucket=bucket, Key=key, Range=f"bytes={start}-{stop - 1}", **condition
        )
        async with found["Body"] as body:
            data: bytes = await body.read()
        if tag is not None and found.get("ETag", tag) != tag:  # of servers that do not know the condition
            raise ChangedObjectError(address)
        return data

    try:
        return sync(system.loop, ask)
    except OSError as error:
        if status_of(error) == _PRECONDITION:
            raise ChangedObjectError(address) from error
        raise
