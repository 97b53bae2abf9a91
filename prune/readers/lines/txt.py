"""Plain text, a line a sample; labels by the names of files, or of their folders.

Files of a folder are classes where their names are words: `pos.txt`, `neg.txt`; else the folders are that
they lie in: `pos/0.txt`. Parts with numbers, `part-0.txt`, and splits say nothing of a class. The key of a
sample is `FILE:LINE`, lines from 1; empty lines are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from prune.modalities.text.lines import MAX_LINE_BYTES
from prune.readers.folders.first_entries import glance
from prune.readers.folders.splits import tokens, words_in
from prune.readers.lines.beside import holds_data_unread
from prune.readers.lines.containers import HashedContent, unpacked_name
from prune.readers.lines.line_columns import add_lines, of_texts
from prune.readers.lines.line_files import find_files, is_named_like
from prune.readers.lines.raw_columns import Found, Known, RawColumns, of_text
from prune.readers.lines.reader import LineReader
from prune.readers.sample import Unit
from prune.readers.tar.label import usable_label

SUFFIXES = (".txt",)
_words = str.split  # many words in few lines
_NOTES = frozenset(
    _words(
        "readme license licence licenses copying changelog changes notice notes requirements todo citation "
        "authors contributors robots classes classnames class_names labels names vocab merges wnids words"
    )
)


def looks_like(path: Path) -> bool:
    """Say whether this is a file of lines, or a folder with one among its first 4096 entries."""
    if not path.is_dir():
        return is_named_like(path.name, SUFFIXES)
    names = list(glance(path))
    found = any(is_named_like(name, SUFFIXES) and not is_note(name) for name in names)
    return found and not holds_data_unread(names)


def is_note(name: str) -> bool:
    """Whether a file is about data, and holds none: `README.txt`, `classes.txt`."""
    return PurePosixPath(unpacked_name(name)).stem.lower() in _NOTES


def open_txt(data: str, *, split: str | None = None, no_labels: bool = False) -> TextLines:
    """Open a file, those of a pattern, or those of a folder and its subfolders.

    Parameters
    ----------
    data
        The file, the folder or the pattern.
    split
        Which split, where names of files say that there are several; `train`, if not given.
    no_labels
        Whether names of files and folders are no labels.

    Raises
    ------
    DataError
        There is no such file.
    OptionError
        There is no such split.
    """
    files = find_files(data, SUFFIXES, split, passed=is_note)
    return TextLines(files, no_labels=no_labels)


@dataclass(frozen=True)
class TextLines(LineReader):
    """Files of lines; a sample is a line."""

    format: str = field(default="txt", init=False)

    @property
    def remarks(self) -> list[str]:
        """What the labels are, where nobody said it."""
        if self.no_labels or self.label_file is not None:
            return []
        if self.exported:
            return []
        of, labels = labels_by_name(self.files.names)
        return [f"labels are the names of {of}: --no-labels reads none"] if labels else []

    def units(self) -> Iterator[Unit]:
        """Yield one unit a file; its label comes of what the others are called."""
        for name in self.files.names:
            label = self._labels.get(name)
            yield Unit(name if label is None else f"{name}, label {label}", (name,))

    def fill(self, columns: RawColumns, shard: str, content: HashedContent) -> None:
        """Add every line that is not empty."""
        label = self._labels.get(shard)
        add_lines(columns, content, partial(_known, label=label), partial(_found, label=label))

    def text_of(self, shard: str, record: bytes) -> str:
        """Return the text of a line."""
        del shard
        return _decoded(record.removesuffix(b"\r"))

    def record(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return nothing: a line has no fields."""
        del shard, record
        return {}

    def others(self, shard: str, record: bytes) -> Mapping[str, Any]:
        """Return nothing: a line is its text."""
        del shard, record
        return {}

    @cached_property
    def _labels(self) -> dict[str, str]:
        if self.no_labels:
            return {}
        if known := self.exported:
            stems = {name: plain_stem(name) for name in self.files.names}
            return {name: known[stem].name for name, stem in stems.items() if stem in known}
        return labels_by_name(self.files.names)[1]


def plain_stem(name: str) -> str:
    """Return a path without the suffixes of its format and container."""
    return str(PurePosixPath(unpacked_name(name)).with_suffix(""))


def labels_by_name(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the label of each file, and what says it; nothing, where names are not those of classes."""
    folders = {name: _class_of(PurePosixPath(name).parent.name) for name in names}
    files = {name: _class_of(PurePosixPath(plain_stem(name)).name) for name in names}
    for of, found in (("folders", folders), ("files", files)):
        known = {name: label for name, label in found.items() if label}
        if len(known) == len(names) and len(set(known.values())) > 1:
            return of, known
    return "", {}


def _class_of(name: str) -> str | None:
    """Return the class that a name says, without words for a split; None for one that only counts."""
    split = set(words_in(name))
    rest = [token for token in tokens(name) if token not in split]
    if not rest or _COUNTED.fullmatch(name):
        return None
    try:
        return usable_label(name if not split else "_".join(rest))
    except ValueError:
        return None


_PARTS = "part|shard|chunk|file|data|dataset|text|line|corpus|split|fold|batch|all"
_COUNTED = re.compile(
    rf"(?:{_PARTS})?s?[-_. ]*[0-9]*(?:[-_.]of[-_.][0-9]+)?|.*[0-9]{{2,}}|[0-9].*", re.IGNORECASE
)


def _known(lines: list[bytes], label: str | None) -> Known | None:
    """Return what `_found` does of each line, where all are UTF-8; None else."""
    texts = [line.removesuffix(b"\r") for line in lines]
    try:
        b"\n".join(texts).decode()
    except UnicodeDecodeError:
        return None
    nothing = [None] * len(texts)
    return of_texts(texts, nothing, [label] * len(texts), nothing)


def _found(line: bytes | None, label: str | None) -> Found:
    try:
        if line is None:
            raise ValueError(f"the line is over {MAX_LINE_BYTES:,} bytes")
        return of_text(_decoded(line), None)._replace(label=label)
    except ValueError as error:
        return Found(reason=str(error))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError("the line is not UTF-8") from error
