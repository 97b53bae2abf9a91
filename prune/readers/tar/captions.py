"""Captions in shards: the text that lies beside the image of a sample.

Without a choice of the user's it is the member `.txt` (or `.text`, `.caption`), else the caption or the text
in `.json`. A member or field that holds the label is no caption.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from prune.core.errors import DataError
from prune.modalities.text.fields import CAPTIONS, TextFields
from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.tar.held import InPlace
from prune.readers.tar.label import is_json
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name
from prune.readers.tar.tar_glance import GlancedFile, glanced_members
from prune.readers.tar.texts import PLAIN, TextMembers
from prune.system import contents
from prune.system.contents import OpenedFile
from prune.system.os_errors import reading

_SHARDS, _SAMPLES = 4, 64  # that are looked at for a caption


@dataclass(frozen=True)
class CaptionMembers(TextMembers):
    """How a caption is made of the members of a sample."""

    aside: str = ""  # the member or the field that holds the label

    @property
    def where(self) -> str:
        """Where captions are, in words."""
        return ", ".join(self.fields.paths) or "the members .txt or .json"

    def wants(self, extension: str) -> bool:
        """Say whether a member may hold a part of the caption."""
        if extension == self.aside:
            return False
        return super().wants(extension) or (not self.fields.paths and extension in CAPTIONS)

    def read(self, held: Mapping[str, bytes | None]) -> tuple[str, str | None]:
        """Return the caption of a sample, and the member that it is the whole of; as `TextMembers.read`."""
        if self.fields.paths or any(name in held for name in PLAIN):
            return super().read(held)
        for name in CAPTIONS:
            with suppress(ValueError):
                return TextMembers(TextFields((name,))).read(held)
        raise ValueError("has no caption")

    def caption(self, held: Mapping[str, bytes | None]) -> str:
        """Return the caption of a sample; nothing where it has none, or one that cannot be read."""
        try:
            return self.read(held)[0] if held else ""
        except ValueError:
            return ""

    def among(self, sample: Mapping[str, bytes]) -> str:
        """Return the caption of a sample by all its members."""
        wanted = {name: data for name, data in sample.items() if self.wants(name)}
        return self.caption(
            {name: data if len(data) <= MAX_LINE_BYTES else None for name, data in wanted.items()}
        )


@dataclass(frozen=True)
class TarCaptions:
    """The captions of the samples of shards."""

    root: Path
    spec: CaptionMembers

    @property
    def where(self) -> str:
        """Where captions are, in words."""
        return self.spec.where

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the caption of each row, empty where it has none; of an image, headers are read only.

        Raises
        ------
        DataError
            A shard is gone, or another one than was scanned.
        """
        opened: str | None = None
        content: OpenedFile | None = None
        try:
            columns = [samples[name].to_pylist() for name in ("shard", "offset", "size")]
            for shard, offset, size in zip(*columns, strict=True):
                if content is None or shard != opened:
                    if content is not None:
                        content.close()
                    opened, content = shard, None
                    with reading(self.root / shard):
                        content = contents.opened(self.root / shard)
                yield self._caption(InPlace(content, offset, size, self.root / shard))
        finally:
            if content is not None:
                content.close()

    def _caption(self, sample: InPlace) -> str:
        held: dict[str, bytes | None] = {}
        for member in members(sample):
            named = split_name(member.name)
            if named and member.kind == "file" and self.spec.wants(named[1]):
                small = member.size <= MAX_LINE_BYTES
                held.setdefault(named[1], sample.read(member.data, member.size) if small else None)
        return self.spec.caption(held)


def have_captions(shards: Iterable[Path], spec: CaptionMembers) -> bool:
    """Say whether one of the first samples of the first shards has a caption."""
    for shard in itertools.islice(shards, _SHARDS):
        with suppress(DataError), GlancedFile(shard) as file:  # what is wrong with it is said by its scan
            for held in itertools.islice(glanced_members(file), _SAMPLES):
                texts = {
                    name: file.read(member.data, member.size)
                    for name, member in held.items()
                    if spec.wants(name) and member.size <= MAX_LINE_BYTES
                }
                if spec.caption(texts):
                    return True
    return False


def label_member(label_field: str | None) -> str:
    """Return the member that the user named for the label, if it is one whose text could be a caption."""
    return "" if label_field is None or is_json(label_field) else label_field.lower()
