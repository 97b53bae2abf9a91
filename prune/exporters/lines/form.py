"""One format of line files: how its files are called, and how a record is made of the fields of a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prune.core.errors import OptionError
from prune.exporters.lines.container import CONTAINERS, container_of

Values = Sequence[Any]  # of one sample, aligned with the names of its fields


@dataclass(frozen=True)
class LineForm:
    """A row of what the exporters of line files differ in."""

    name: str  # of the exporter
    suffixes: tuple[str, ...]  # of its files; the first is that of new ones
    record: Callable[[Sequence[str], Values], bytes]
    """The bytes of a record without its line end, of the names of fields and their values."""
    heading: Callable[[Sequence[str]], bytes] | None = None
    """What stands before the first record, its line end included; None: records need no heading."""
    holds_fields: bool = True  # else a record is the text alone
    also_read: tuple[str, ...] = ()  # suffixes of files of the source that are of this format, too
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Types of columns whose values stand as text, and what they are read as; see `form_of_columns`."""
    framed: bool = False  # records are elements of an array
    takes: Mapping[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    """Formats of other readers, and what makes a record of one from theirs, with all that it says."""

    def is_named(self, name: str) -> bool:
        """Whether a file of this name is of this format."""
        return _plain_name(name).lower().endswith(self.suffixes) or name.lower().endswith(self.also_read)

    def file_suffix(self, out: str) -> str:
        """Return the suffix of an export that is one file, `.jsonl.zst`; nothing where `out` is a folder.

        Raises
        ------
        OptionError
            The name is that of a file of another kind.
        """
        plain = _plain_name(out)
        own = next((suffix for suffix in self.suffixes if plain.lower().endswith(suffix)), None)
        if own is not None and plain.lower() != own:
            return own + container_of(out)
        if plain != out or plain.lower().endswith(_OTHERS):
            stem = plain.rpartition(".")[0] or plain
            raise OptionError(
                f"--out {out} is not the name of a file of {self.name}",
                f"--out {stem}{self.suffixes[0]}   # or with {' or '.join(CONTAINERS)}; or name a folder",
            )
        return ""


_words = str.split  # many words in few lines
_OTHERS = tuple(_words(".jsonl .ndjson .json .csv .tsv .txt .parquet .arrow .tar .bz2 .xz .zip .lz4"))


def _plain_name(name: str) -> str:
    return name[: len(name) - len(container_of(name))]
