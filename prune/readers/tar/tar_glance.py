"""A glance at the begin of a shard: what its first sample holds, and which of its fields may be the label."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prune.core.errors import DataError
from prune.readers.labels.names import is_label, likely
from prune.readers.tar.label import MAX_JSON_BYTES, Place, is_json, label_of, usable_label
from prune.readers.tar.members import Member, members
from prune.readers.tar.samples import split_name
from prune.system import contents
from prune.system.os_errors import reading

_SAMPLES = 8  # that are looked at, until one has fields or a label
_DEEP = 3  # levels of JSON


class GlancedFile:
    """A file of which any bytes can be read, and that is not hashed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            self._content = contents.opened(path)
        self.size = self._content.size

    def __enter__(self) -> GlancedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._content.close()

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`, fewer at the end."""
        with reading(self.path):
            return self._content.read(start, size)

    def damaged(self, after: int) -> DataError:
        """End the walk."""
        return DataError(f"{self.path} cannot be read after byte {after}")


@dataclass(frozen=True)
class SampleGlance:
    """What one sample holds."""

    extensions: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)  # of its JSON that hold a usable label, by path
    label: bool = False  # there is one, or what is called like one and is none, which is said elsewhere


def remark_on(shard: Path, where: Sequence[Place]) -> str | None:
    """Say which fields of the first samples may be the label, where none is, or another one is.

    What is wrong with a shard is said when it is scanned.

    Parameters
    ----------
    where
        The places that labels are read from.
    """
    try:
        with GlancedFile(shard) as file:
            seen = [_glanced(file, held, where) for held in itertools.islice(glanced_members(file), _SAMPLES)]
    except DataError:
        return None
    first = next((found for found in seen if found.label or found.fields), None)
    if first is None or "cls" in first.extensions:
        return None
    if not first.label:
        return _no_label(first)
    taken, *others = [name for name in likely(first.fields) if is_label(name)] or [""]
    if not others:
        return None
    return f"labels are those of the field {taken} of .json; for others: --label-field json.{others[0]}"


def _no_label(found: SampleGlance) -> str | None:
    names = likely(found.fields)
    if not names:
        return None
    listed = ", ".join(names[:6]) + (" and more" if len(names) > 6 else "")
    return f"no field of .json is called like a label; there are {listed}: --label-field json.{names[0]}"


def glanced_members(file: GlancedFile) -> Iterator[dict[str, Member]]:
    """Yield the members of each sample by their extensions, in their order."""
    key, held = None, dict[str, Member]()
    for member in members(file):
        named = split_name(member.name) if member.kind == "file" else None
        if named is None:
            continue
        if key is not None and named[0] != key:
            yield held
            held = {}
        key = named[0]
        held.setdefault(named[1], member)
    if held:
        yield held


def _glanced(file: GlancedFile, held: Mapping[str, Member], where: Sequence[Place]) -> SampleGlance:
    texts = {
        extension: file.read(member.data, member.size)
        for extension, member in held.items()
        if (is_json(extension) or extension == "cls") and member.size <= MAX_JSON_BYTES
    }
    fields: dict[str, str] = {}
    for extension in filter(is_json, texts):
        fields |= _fields(texts[extension], "" if extension == "json" else f"{extension}.")
    try:
        label = label_of(texts, where) is not None
    except ValueError:
        label = True
    return SampleGlance(frozenset(held), fields, label)


def _fields(text: bytes, before: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return dict(_usable(found, before, _DEEP)) if isinstance(found, dict) else {}


def _usable(found: Mapping[str, Any], before: str, levels: int) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        if isinstance(value, dict) and levels:
            yield from _usable(value, f"{before}{name}.", levels - 1)
        elif "." not in name:
            try:
                yield f"{before}{name}", usable_label(value)
            except ValueError:
                continue
