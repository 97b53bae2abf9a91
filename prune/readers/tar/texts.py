"""The text of a tar sample: which of its members hold it, and where it lies.

Without a choice of the user's it is the member `.txt` (or `.text`), else the text of `.json`, found as in a
line of JSON. A name that the user gives is the extension of a member, or a field of `.json`: `caption.txt`,
`body`, `json.meta.title`; several are joined, as everywhere.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prune.core.content import content_digest
from prune.core.errors import DataError
from prune.modalities.image.suffixes import FOREIGN_SUFFIXES, IMAGE_SUFFIXES
from prune.modalities.text.fields import TextFields
from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.hashing_file import HashingFile
from prune.readers.tar.held import Held
from prune.readers.tar.label import is_json
from prune.readers.tar.members import Member, members
from prune.readers.tar.samples import Sample, split_name
from prune.readers.tar.tar_glance import GlancedFile, glanced_members

PLAIN = ("txt", "text")
_JSON = "json"
_PICTURES = IMAGE_SUFFIXES | FOREIGN_SUFFIXES
_SAMPLES = 64  # of a shard that are looked at
_SHARDS = 4  # that are looked at, until one has a sample


@dataclass(frozen=True)
class TextMembers:
    """How the text is made of the members of a sample."""

    fields: TextFields = field(default_factory=TextFields)

    def wants(self, extension: str) -> bool:
        """Say whether a member may hold a part of the text."""
        paths = self.fields.paths or PLAIN
        named = any(extension in (path.lower(), path.partition(".")[0].lower()) for path in paths)
        return named or extension == _JSON

    def read(self, held: Mapping[str, bytes | None]) -> tuple[str, str | None]:
        """Return the text of a sample, and the extension of the member that it is the whole of.

        A `ValueError` says why it has none. `held` has the members that it wants; None: too large.
        """
        paths = self.fields.paths or tuple(name for name in PLAIN if name in held)[:1]
        if len(paths) == 1 and not self.fields.literals and not is_json(paths[0]) and paths[0] in held:
            text = _decoded(paths[0], held[paths[0]])
            if not text:
                raise ValueError(f"its .{paths[0]} is empty")
            return text, paths[0]
        record: dict[str, Any] = {}
        for extension, data in held.items():
            value = _parsed(extension, data) if is_json(extension) else _decoded(extension, data)
            if extension == _JSON and isinstance(value, dict):
                record = value | record
            record[extension] = value
        return self.fields.text_of(record), None

    def text_in(self, data: bytes, shard: Path) -> str:
        """Return the text of a sample by the bytes of all its members.

        Raises
        ------
        DataError
            They are not those of a sample that has one.
        """
        held: dict[str, bytes | None] = {}
        for member in members(Held(data, shard)):
            named = split_name(member.name)
            if named and member.kind == "file" and self.wants(named[1]):
                held.setdefault(named[1], data[member.data : member.data + member.size])
        try:
            return self.read(held)[0]
        except ValueError as error:
            raise DataError(f"{shard} has changed: {error}", "scan the dataset again") from error


class TextSample(Sample):
    """Adjacent members of one key, a text among them."""

    __slots__ = ("held", "kept", "spec")

    def __init__(self, key: str, offset: int, spec: TextMembers) -> None:
        super().__init__(key, offset)
        self.spec = spec
        self.held: dict[str, bytes | None] = {}
        self.kept: dict[str, Member] = {}

    def add(self, member: Member, extension: str, source: HashingFile, wanted: frozenset[str]) -> None:
        """Take the next member; keep it if it may hold the label or a part of the text."""
        super().add(member, extension, source, wanted)
        if member.kind == "file" and extension not in self.kept and self.spec.wants(extension):
            small = member.size <= MAX_LINE_BYTES
            self.kept[extension] = member
            self.held[extension] = source.read(member.data, member.size) if small else None

    def content(self) -> tuple[int | None, int | None]:
        """Digest the text; return where it lies, if it is a member, and its size."""
        try:
            if not self.held:
                raise ValueError(f"has no text ({self.listed()})")
            text, whole = self.spec.read(self.held)
        except ValueError as error:
            self.reject(str(error))
            return None, None
        data = text.encode()
        self.digest = content_digest(data)
        if whole is None:
            return None, len(data)
        member = self.kept[whole]
        return member.data + member.size - len(data), len(data)  # behind a byte order mark

    def _is_image(self, _: str) -> bool:
        return False


def are_of_texts(shards: Iterable[Path]) -> bool:
    """Say whether the first samples of shards hold texts, and none of them an image."""
    found = TextMembers()
    for shard in itertools.islice(shards, _SHARDS):
        with suppress(DataError), GlancedFile(shard) as file:  # what is wrong with it is said by its scan
            texts = False
            for held in itertools.islice(glanced_members(file), _SAMPLES):
                if any(extension.rpartition(".")[2] in _PICTURES for extension in held):
                    return False
                texts = texts or _has_text(file, held, found)
            if texts:
                return True
    return False


def _has_text(file: GlancedFile, held: Mapping[str, Member], found: TextMembers) -> bool:
    if any(name in held for name in PLAIN):
        return True
    about = held.get(_JSON)
    if about is None or about.size > MAX_LINE_BYTES:
        return False
    try:
        return bool(found.read({_JSON: file.read(about.data, about.size)})[0])
    except ValueError:
        return False


def _decoded(extension: str, data: bytes | None) -> str:
    if data is None:
        raise ValueError(f"its .{extension} is over {MAX_LINE_BYTES:,} bytes")
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"its .{extension} is not UTF-8") from error


def _parsed(extension: str, data: bytes | None) -> Any:
    try:
        return json.loads(_decoded(extension, data))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"its .{extension} is not JSON") from error
