"""The first bytes of files that prune does not read: how their arrays lie and what their fields are called.

A bounded look that trusts nothing: what is not as expected is answered with the usual names.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers.hashing_file import Readable
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name
from prune.readers.tar.tar_glance import GlancedFile

_MEMBERS = 64  # of a compressed tar
_MANY = 20_000  # of a plain one, whose members need not be read to pass them
_BYTES = 32 << 20  # of them, unpacked
_RECORD = 16 << 20  # bytes of the first record of a TFRecord file
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
    DataError,
    zipfile.BadZipFile,
    pa.ArrowException,
)
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}


@dataclass(frozen=True)
class IdxShape:
    """What the header of an idx file says."""

    axes: tuple[int, ...]
    zipped: bool


def idx_shape(file: Path) -> IdxShape | None:
    """Return the axes of an idx file of bytes, compressed or not; None for any other file."""
    try:
        with file.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(file) if zipped else file.open("rb") as opened:
            head = opened.read(4)
            if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 4:
                return None
            axes = [int.from_bytes(opened.read(4), "big") for _ in range(head[3])]
    except _BROKEN:
        return None
    return IdxShape(tuple(axes), zipped)


def class_root(file: Path) -> str | None:
    """Return the folder of class folders in an archive that is no shard; "" for its top, None for a shard."""
    names = _in_zip(file) if zipfile.is_zipfile(file) else _in_tar(file)
    split = [found for found in map(split_name, names) if found]
    pictures = [key for key, suffix in split if suffix.rpartition(".")[2] in IMAGE_SUFFIXES]
    folders = [key.removeprefix("./").split("/")[:-1] for key in pictures]
    single = len({key for key, _ in split}) == len(split)
    if not pictures or not single or 2 * sum(map(bool, folders)) <= len(pictures):
        return None
    shared = os.path.commonprefix(folders)  # noqa: RUF071 - of lists: folders that all have
    return "/".join(shared if all(len(parts) > len(shared) for parts in folders) else shared[:-1])


def holds_tars(file: Path) -> bool:
    """Whether a tar holds other tars and nothing else."""
    names = _in_tar(file)
    return bool(names) and all(name.lower().endswith(".tar") for name in names)


def _in_zip(file: Path) -> list[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return [name for name in archive.namelist() if not name.endswith("/")]
    except _BROKEN:
        return []


def _in_tar(file: Path) -> list[str]:
    names: list[str] = []
    try:
        if _codec(file) is None and not _is_xz(file):
            with GlancedFile(file) as plain:
                _take_names(plain, names, _MANY)
        else:
            with _unpacked(file) as stream:
                _take_names(_Front(file, stream), names, _MEMBERS)
    except _BROKEN:
        pass  # what was seen of it counts
    return names


def _take_names(source: Readable, names: list[str], most: int) -> None:
    """Append the names of files in a tar, up to one that makes it a shard: a sample of two members."""
    before = None
    for member in members(source):
        if member.kind != "file":
            continue
        names.append(member.name)
        key = split_name(member.name)
        if len(names) == most or (key and before and key[0] == before[0]):
            break
        before = key


class _Front:
    """The first bytes of a compressed tar, as the walk over its headers reads them."""

    def __init__(self, path: Path, stream: Any) -> None:
        self.path, self.size = path, 1 << 62  # nobody knows before it is unpacked
        self._stream, self._at = stream, 0

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`; none behind the bound, or before what was read."""
        if not self._at <= start <= _BYTES:
            return b""
        self._take(start - self._at)
        return self._take(size)

    def damaged(self, after: int) -> DataError:
        """End the walk."""
        return DataError(f"{self.path} cannot be read after byte {after}")

    def _take(self, size: int) -> bytes:
        parts = []
        while size and (part := self._stream.read(min(size, 1 << 20))):
            parts.append(part)
            size -= len(part)
            self._at += len(part)
        return b"".join(parts)


def _unpacked(file: Path) -> Any:
    codec = _codec(file)
    stream: Any = pa.CompressedInputStream(str(file), codec) if codec else lzma.open(file)  # noqa: SIM115
    return stream


def _codec(file: Path) -> str | None:
    magic = _magic(file)
    return next((codec for begins, codec in _CODECS.items() if magic.startswith(begins)), None)


def _is_xz(file: Path) -> bool:
    return _magic(file) == b"\xfd7zX"


def _magic(file: Path) -> bytes:
    with file.open("rb") as raw:
        return raw.read(4)


def columns_of_mds(index: Path) -> tuple[str, str]:
    """Return the columns of images and of labels of an MDS folder."""
    try:
        shard = json.loads(index.read_bytes()[:_RECORD])["shards"][0]
        kinds = dict(zip(shard["column_names"], shard["column_encodings"], strict=False))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        kinds = {}
    images = [name for name, kind in kinds.items() if str(kind) in {"jpeg", "png", "pil", "jpg"}]
    others = [name for name in kinds if name not in images]
    return _usual(images, ("image", "x", "img")), _usual(others, ("label", "class", "y", "target"))


def fields_of_tfrecord(file: Path) -> tuple[str, str]:
    """Return the features of images and of labels in the first example of a TFRecord file."""
    try:
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(12)[:8], "little")
            names = list(_features(opened.read(size))) if 0 < size <= _RECORD else []
    except (OSError, ValueError, IndexError):
        names = []
    images = [n for n in names if n.rpartition("/")[2] in {"encoded", "image", "image_raw", "img", "jpeg"}]
    labels = [
        n for n in names if n.rpartition("/")[2] in {"label", "class", "cls", "target", "y", "label_idx"}
    ]
    return _usual(images, ("image/encoded", "image")), _usual(labels, ("image/class/label", "label"))


def _features(example: bytes) -> Iterator[str]:
    """Yield the names in a `tf.train.Example`: a message of a message of pairs, each with its name first."""
    for outer in _fields(example, 1):
        for pair in _fields(outer, 1):
            for name in _fields(pair, 1):
                yield name.decode()


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the values of a field that has bytes, of a protocol buffer that has no others at this level."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        size, at = _varint(message, at)
        if tag & 7 != 2 or at + size > len(message):
            raise ValueError("not an example")
        if tag >> 3 == wanted:
            yield message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = message[at + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, at + place + 1
    raise ValueError("not a number")


def _usual(found: list[str], names: tuple[str, ...]) -> str:
    return next((name for name in names if name in found), next(iter(found), names[0]))
