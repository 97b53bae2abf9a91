"""Where the members of a tar lie: a walk over its headers that takes nothing on trust.

Tar libraries read a shard that is cut short, or that has one flipped bit in a header, as a shorter shard.
Here every header's checksum must be right, every member must lie inside the file, and the file must end with
the two zero blocks that end an archive; after them only zeros may follow.

References
----------
POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from prune.core.errors import DataError
from prune.readers.hashing_file import READ, Readable

BLOCK = 512
_ZEROS = bytes(BLOCK)
_MAX_RECORD = 1 << 20  # bytes of a long name or of PAX records
_CHECKSUM = re.compile(rb" *([0-7]+)[ \0]*")
_FILE, _OLD_FILE, _CONTIGUOUS, _FOLDER, _SPARSE = b"0\x0075S"
_NO_DATA = frozenset(b"123456")  # links, devices, folders, pipes
_LONG_NAME, _LONG_LINK, _GLOBAL = b"LKg"
_RECORDS = frozenset(b"LKxXg")
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x04\x22\x4d\x18": "lz4",
}


class Member(NamedTuple):
    """One member; `[offset, end)` is all that belongs to it, from its long-name records to its padding."""

    name: str  # bytes that are not UTF-8 are surrogates
    offset: int
    data: int  # where its bytes begin
    size: int
    end: int
    kind: str  # "file", "folder" or "other": a link, a device, a sparse file


def members(source: Readable) -> Iterator[Member]:
    """Yield the members of a tar in their order; the bytes of each may be read before the next is asked for.

    Reads ustar (with prefix), GNU long names, PAX records and base-256 sizes. Sparse files are "other".

    Raises
    ------
    DataError
        The file is cut short, damaged, compressed or no tar.
    """
    position = 0
    while True:
        offset, position, header, extra = _records(source, position)
        if header is None:
            break
        plain = None if extra else _plain(header, position, offset)
        member = plain or _member(source, header, position, offset, extra)
        if member.size < 0 or member.end > source.size:
            raise source.damaged(offset)
        yield member
        position = member.end
    _check_end(source, position)


def _records(source: Readable, position: int) -> tuple[int, int, bytes | None, dict[str, bytes]]:
    """Pass the records before a member: where they begin and end, its header, and what they say of it."""
    extra: dict[str, bytes] = {}
    offset = position
    while True:
        header = _header(source, position)
        if header is None and position != offset:
            raise source.damaged(offset)  # records of no member
        if header is None or header[156] not in _RECORDS:
            return offset, position, header, extra
        kind = header[156]
        payload, after = _payload(source, header, position, offset)
        _note(source, kind, payload, extra, offset)
        if kind == _GLOBAL and position == offset:
            offset = after  # it belongs to no member
        position = after


def _header(source: Readable, position: int) -> bytes | None:
    block = source.read(position, BLOCK)
    if block == _ZEROS:
        return None
    if len(block) == BLOCK and _intact(block):
        return block
    if position == 0:
        _refuse_compressed(source, block)
    raise source.damaged(position)


def _intact(header: bytes) -> bool:
    """Check the checksum: the sum of the bytes, those of the checksum itself taken as spaces.

    Adler-32 begins with the sum, at C speed; of 256 bytes it is the exact sum, as 256 · 255 < 65521.
    """
    adler32 = zlib.adler32
    before, behind, end = adler32(header[:148]), adler32(header[156:400]), adler32(header[400:])
    total = (before & 0xFFFF) + (behind & 0xFFFF) + (end & 0xFFFF) - 3 + 8 * 32
    if header[148:156] == b"%06o\0 " % total:
        return True
    found = _CHECKSUM.fullmatch(header, 148, 156)
    return found is not None and int(found[1], 8) == total


def _refuse_compressed(source: Readable, block: bytes) -> None:
    from prune.readers.foreign.shell_lines import decompressed

    for magic, kind in _MAGIC.items():
        if block.startswith(magic):
            raise DataError(
                f"{source.path} is compressed with {kind}, and shards are read in place",
                decompressed(source.path, kind),
            )


def _number(field: bytes) -> int:
    """Read octal digits, or base 256 where the highest bit is set; -1 for anything else."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    digits = field.split(b"\0", 1)[0].strip()
    return int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else -bool(digits)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _payload(source: Readable, header: bytes, position: int, offset: int) -> tuple[bytes, int]:
    size = _number(header[124:136])
    begin = position + BLOCK
    if not 0 <= size <= _MAX_RECORD or begin + _padded(size) > source.size:
        raise source.damaged(offset)
    return source.read(begin, size), begin + _padded(size)


def _note(source: Readable, kind: int, payload: bytes, extra: dict[str, bytes], offset: int) -> None:
    """Add what a record says of the next member; of two that say the same, the first holds."""
    if kind == _LONG_NAME:
        extra.setdefault("path", payload.split(b"\0", 1)[0])
    elif kind != _LONG_LINK:
        try:
            records = _pax(payload)
        except ValueError as error:
            raise source.damaged(offset) from error
        if kind != _GLOBAL:
            extra.update(records | extra)
        elif records:
            names = ", ".join(sorted(records))
            raise DataError(
                f"{source.path} has a global header that sets the {names} of every member",
                "make the shard again without it",
            )


def _pax(payload: bytes) -> dict[str, bytes]:
    """Parse `LENGTH KEYWORD=VALUE` lines; keep what changes where a member lies or how it is called."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(payload):
        space = payload.index(b" ", at)
        end = at + int(payload[at:space])
        keyword, equals, value = payload[space + 1 : end - 1].partition(b"=")
        if not equals or end > len(payload) or payload[end - 1 : end] != b"\n":
            raise ValueError(f"no PAX record at byte {at}")
        if keyword == b"path":
            found.setdefault("path", value.rstrip(b"/"))
        elif keyword == b"size":
            found["size"] = value
        elif keyword.startswith(b"GNU.sparse."):
            found["sparse"] = b""
            if keyword == b"GNU.sparse.name":
                found["path"] = value
        at = end
    return found


def _plain(header: bytes, position: int, offset: int) -> Member | None:
    """Read a header with nothing special in it, as nearly all are; None for any other."""
    if header[156] != _FILE or header[345] or not header[124:135].isdigit() or header[135] not in b"\0 ":
        return None
    try:
        size = int(header[124:135], 8)
        name = header[:100].split(b"\0", 1)[0].decode()
    except ValueError:
        return None
    data = position + BLOCK
    return Member(name, offset, data, size, data + _padded(size), "file")


def _member(source: Readable, header: bytes, position: int, offset: int, extra: dict[str, bytes]) -> Member:
    kind = header[156]
    short = header[:100].split(b"\0", 1)[0]
    folder = kind == _FOLDER or (kind == _OLD_FILE and short.endswith(b"/"))
    if header[345] and kind != _SPARSE:
        short = header[345:500].split(b"\0", 1)[0] + b"/" + short
    name = extra.get("path", short).decode("utf-8", "surrogateescape")
    data = position + BLOCK
    if kind == _SPARSE:
        data = _after_sparse_map(source, header, data, offset)
    size = _size(header, extra)
    end = data if folder or kind in _NO_DATA else data + _padded(size)
    plain = kind in (_FILE, _OLD_FILE, _CONTIGUOUS) and "sparse" not in extra
    return Member(name, offset, data, size, end, "folder" if folder else "file" if plain else "other")


def _size(header: bytes, extra: dict[str, bytes]) -> int:
    if "size" not in extra:
        return _number(header[124:136])
    digits = extra["size"]
    return int(digits) if digits.isdigit() and len(digits) < 20 else -1


def _after_sparse_map(source: Readable, header: bytes, position: int, offset: int) -> int:
    more = header[482]
    while more:
        block = source.read(position, BLOCK)
        if len(block) < BLOCK:
            raise source.damaged(offset)
        more = block[504]
        position += BLOCK
    return position


def _check_end(source: Readable, position: int) -> None:
    """Check for two zero blocks, and that only zeros follow (tar pads to whole records)."""
    if position + 2 * BLOCK > source.size:
        raise source.damaged(position)
    at = position
    while at < source.size:
        block = source.read(at, READ)
        if not block or block.count(0) != len(block):
            raise source.damaged(position)
        at += len(block)
