"""Members that are called otherwise in an export: where keys restart in each shard, they begin with its name.

The bytes of every member stay as they are, and so does its extension; only what stands before it changes,
so that the export has the keys that the selection names, and no two samples of it have the same.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Collection

from prune.readers.group import split_name

_HEAD = 1 << 20  # bytes of a sample in which its first name stands


def other_key(data: bytes, key: str) -> str | None:
    """Return the key that the first member in some bytes of a tar has, if it is not `key`; else None."""
    try:
        with _opened(data[:_HEAD]) as tar:
            first = tar.next()
    except tarfile.TarError:  # the file changed: whoever copies it finds that out
        return None
    named = None if first is None else split_name(first.name)
    return None if named is None or named[0] == key else named[0]


def renamed(
    data: bytes,
    old: str,
    new: str,
    member: Callable[[str, bytes], bytes],
    without: Collection[str] = (),
) -> bytes:
    """Return the members of a sample under another key, each made anew by `member(name, bytes)`.

    `without`: extensions of members that are left out.
    """
    made = bytearray()
    with _opened(data) as tar:
        for info in tar:
            held = tar.extractfile(info)
            extension = (split_name(info.name) or ("", ""))[1]
            if held is not None and info.name.startswith(old) and extension not in without:
                made += member(new + info.name.removeprefix(old), held.read())
    return bytes(made)


def _opened(data: bytes) -> tarfile.TarFile:
    end = bytes(2 * tarfile.BLOCKSIZE)
    return tarfile.open(fileobj=io.BytesIO(data + end), mode="r:", encoding="utf-8", errors="surrogateescape")
