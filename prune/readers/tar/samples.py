"""From the members of a shard to its samples: one key, adjacent members, one image, one label."""

from __future__ import annotations

import itertools
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prune.core.content import content_digest
from prune.core.errors import DataError
from prune.modalities.image.bit_depth import bits_used
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers.hashing_file import HashingFile
from prune.readers.sample import key_problem
from prune.readers.tar.label import Place, label_of, limit
from prune.readers.tar.members import Member, members

MAX_IMAGE_BYTES = 256 << 20

SEVERAL = "holds several images: "  # what the reason of a sample begins with that must be told its image

_NAME = re.compile(r"((?:.*/)?[^.]+)\.([^/]*)")
_META = re.compile(r"__[^/]*__(?:$|/)")
_RESERVED = frozenset(
    ["__key__", "__url__", "__local_path__", "__bad__"]
)  # what the library puts into a sample


def split_name(name: str) -> tuple[str, str] | None:
    """Return a member's key and lower-case extension; None for one that belongs to no sample."""
    if name.startswith("__") and _META.match(name):
        return None
    found = _NAME.fullmatch(name)
    return (found[1], found[2].lower()) if found else None


class Sample:
    """Adjacent members of one key."""

    __slots__ = (
        "bits",
        "chosen",
        "digest",
        "end",
        "extensions",
        "image",
        "images",
        "key",
        "offset",
        "plain",
        "reason",
        "texts",
    )

    def __init__(self, key: str, offset: int, chosen: str | None = None) -> None:
        self.key = key
        self.chosen = chosen  # the extension of the image, where the user said it
        self.images: list[str] = []  # extensions of images that are as good as the one taken
        self.offset = self.end = offset
        self.extensions: dict[str, None] = {}
        self.image: Member | None = None
        self.plain = False  # the image's extension has no dot
        self.digest: bytes | None = None
        self.bits: int | None = None  # of the image, if it has sixteen
        self.texts: dict[str, bytes | None] = {}  # what may hold the label; None: too large
        self.reason: str | None = None

    def add(self, member: Member, extension: str, source: HashingFile, wanted: frozenset[str]) -> None:
        """Take the next member; hash it if it is the image, keep it if it may hold the label."""
        self.end = member.end
        if member.kind != "file":
            self.reject(f"its .{extension} is a link or device, not a file")
        elif extension in _RESERVED:
            self.reject(f"it has a member .{extension}, a name that webdataset keeps for itself")
        elif extension in self.extensions:
            self.reject(f"it has two members .{extension}")
        elif self._is_image(extension):
            self.images.append(extension)
            if len(self.images) == 1:
                self._take_image(member, source)
        if extension in wanted:
            small = member.kind == "file" and member.size <= limit(extension)
            self.texts[extension] = source.read(member.data, member.size) if small else None
        self.extensions[extension] = None

    def reject(self, reason: str) -> None:
        """Mark the sample as not usable; the first reason stays."""
        self.reason = self.reason or reason

    def row(self, shard: str, where: Sequence[Place], names: Mapping[str, str] | None) -> list[Any]:
        """Return the sample as a row of `RAW`; `names` turns label texts into class names, if given."""
        label = None
        try:
            found = label_of(self.texts, where)
            label = found if found is None or names is None else _class_name(found, names)
        except ValueError as error:
            self.reject(str(error))
        place = self.content()
        key = printable(self.key)
        self.reject(key_problem(self.key) or ("the key is not UTF-8" if key != self.key else ""))
        size = self.end - self.offset
        return [key, shard, self.offset, size, *place, None, label, self.digest, self.reason or None]

    def content(self) -> tuple[int | None, int | None]:
        """Return where the image lies and its size; reject a sample that has not one."""
        if self.image is None:
            self.reject(f"has no image{f' .{self.chosen}' if self.chosen else ''} ({self.listed()})")
        if len(self.images) > 1:
            self.reject(SEVERAL + ", ".join(self.images[:8]))
        return (self.image.data, self.image.size) if self.image else (None, None)

    def listed(self) -> str:
        """Say which members there are."""
        return f"members: {', '.join(itertools.islice(self.extensions, 8))}"

    def _is_image(self, extension: str) -> bool:
        """Say whether this may be the image; one without a dot, `jpg`, goes before all like `depth.png`."""
        if self.chosen is not None:
            return extension == self.chosen
        _, dot, suffix = extension.rpartition(".")
        if suffix not in IMAGE_SUFFIXES or (dot and self.plain):
            return False
        if not dot and not self.plain:
            self.plain, self.images = True, []
        return True

    def _take_image(self, member: Member, source: HashingFile) -> None:
        self.image, self.digest, self.bits = member, None, None
        if member.size == 0:
            self.reject("the image is empty")
        elif member.size > MAX_IMAGE_BYTES:
            self.reject(f"the image is over {MAX_IMAGE_BYTES} bytes")
        else:
            data = source.read(member.data, member.size)
            self.digest, self.bits = content_digest(data), bits_used(data)


Begin = Callable[[str, int], Sample]


def rows_of(
    source: HashingFile,
    shard: str,
    where: Sequence[Place],
    names: Mapping[str, str] | None,
    depths: Counter[int] | None = None,
    *,
    begin: Begin,
) -> list[list[Any]]:
    """Return the samples of a shard as rows of `RAW`; all parts of one that is not in one piece are rejected.

    `depths` counts the pictures of 16 bits by the bits that they use; `begin` makes a sample.

    Raises
    ------
    DataError
        The tar is damaged, or it holds files but no sample.
    """
    rows: list[list[Any]] = []
    first: dict[str, int] = {}
    for sample in samples_of(source, frozenset(extension for extension, _ in where), begin):
        row = first.setdefault(sample.key, len(rows))
        if row < len(rows):
            reason = f"its members are not adjacent (they begin again after {rows[-1][0]})"
            sample.reject(reason)
            rows[row][-1] = rows[row][-1] or reason
        rows.append(sample.row(shard, where, names))
        if sample.bits and depths is not None:
            depths[sample.bits] += 1
    return rows


def samples_of(source: HashingFile, wanted: frozenset[str], begin: Begin = Sample) -> Iterator[Sample]:
    """Yield runs of members with one key, as the webdataset library does.

    `wanted`: extensions of labels.
    """
    current: Sample | None = None
    strays = 0
    for member in members(source):
        named = split_name(member.name) if member.kind != "folder" else None
        if named is None:
            strays += member.kind == "file" and not _META.match(member.name)
            continue
        key, extension = named
        if current is None or current.key != key:
            if current is not None:
                yield current
            current = begin(key, member.offset)
        current.add(member, extension, source, wanted)
    if current is not None:
        yield current
    elif strays:
        raise DataError(
            f"{source.path} holds {strays} files but no sample",
            "name members KEY.EXTENSION, for example 0001.jpg",
        )


def choice_of(reasons: Iterable[str]) -> str:
    """Return what to type where samples hold several images; nothing where none does."""
    held = next((reason.removeprefix(SEVERAL) for reason in reasons if reason.startswith(SEVERAL)), None)
    if held is None:
        return ""
    first = held.split(", ")[0]
    own = "; a dot in a name begins its suffix: rename them if each is a sample" if first[0].isdigit() else ""
    return f"choose: --image-column {shlex.quote(first)}{own}"


def printable(name: str) -> str:
    """Return a name with the bytes that are not UTF-8 written as `\\xff`."""
    return (
        name
        if name.isascii()
        else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )


def _class_name(label: str, names: Mapping[str, str]) -> str:
    number = label.removesuffix(".0")
    name = names.get(label) or (names.get(str(int(number))) if number.isdecimal() else None)
    if name is None:
        raise ValueError(f"label {label!r} is not in classnames.txt")
    return name
