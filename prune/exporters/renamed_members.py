"""Members that are called otherwise in an export: where keys restart in each shard, they begin with its name.

The bytes of every member stay as they are, and so does its extension; only what stands before it changes,
so that the export has the keys that the selection names, and no two samples of it have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from prune.exporters.members import key_and_names
from prune.readers.tar.held import Held
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name


def other_key(data: bytes, key: str, path: Path) -> str | None:
    """Return the key that the members in some bytes of a tar have, if it is not `key`; else None."""
    found, _ = key_and_names(data, path)  # a file that changed has none: whoever copies it finds that out
    return None if found in {"", key} else found


def renamed(
    data: bytes,
    old: str,
    new: str,
    member: Callable[[str, bytes], bytes],
    path: Path,
    without: Collection[str] = (),
) -> bytes:
    """Return the members of a sample under another key, each made anew by `member(name, bytes)`.

    Under the key that they have they are copied, header and all.

    `path`: the shard that it lies in; `without`: extensions of members that are left out.
    """
    made = bytearray()
    for found in members(Held(data, path)):
        extension = (split_name(found.name) or ("", ""))[1]
        if found.kind == "file" and found.name.startswith(old) and extension not in without:
            if new == old:
                made += data[found.offset : found.end]
            else:
                bytes_ = data[found.data : found.data + found.size]
                made += member(new + found.name.removeprefix(old), bytes_)
    return bytes(made)
