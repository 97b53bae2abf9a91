"""The contract of readers: a stable order, unique keys, labels, and where the bytes lie."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import pyarrow as pa

from prune.core.errors import DataError
from prune.store import SAMPLES
from prune.system import contents

if TYPE_CHECKING:
    from prune.readers.labels.file import LabelFile

RAW = pa.schema([f if f.name != "label" else pa.field("label", pa.string()) for f in SAMPLES])
"""What `scan` returns: `SAMPLES`, but the label is the text that stands in the dataset (null: none)."""

MAX_KEY_BYTES = 200

Counts = Mapping[str, int]
"""What was passed over, by kind in a few words that can follow a number: `.txt`, `without a suffix`."""


@dataclass(frozen=True)
class Unit:
    """A piece of a dataset that is scanned in one go: a shard, or some thousand files of a folder."""

    name: str
    files: Sequence[str]  # relative to the root
    optional: Sequence[str] = ()  # files that may be missing or unreadable, and matter all the same
    passed_over: Mapping[str, int] = field(
        default_factory=dict
    )  # what a look at the folders left out, by kind

    @property
    def sources(self) -> Sequence[str]:
        """Files whose SHA-256 a scan may tell."""
        return self.files

    def token(self, root: Path) -> str:
        """Stand for the names, sizes, times and inodes of the files: unchanged, they need no new scan.

        The time of the last change to the inode tells of new permissions, too.
        """
        digest = hashlib.sha256(self.name.encode(errors="surrogateescape"))
        if contents.is_remote(root):
            for name in (*self.files, *self.optional):
                digest.update(remote_facts(name, contents.evidence(root / name)))
            return digest.hexdigest()[:32]
        for name in self.files:
            try:
                seen = os.stat(root / name)  # noqa: PTH116 - a million times, so without a Path
            except FileNotFoundError as error:
                raise DataError(f"{root / name} is gone", "run the command again") from error
            if not stat.S_ISREG(seen.st_mode):
                raise DataError(f"{root / name} is not a file", "remove it from the dataset")
            digest.update(facts(name, seen))
        for name in self.optional:
            try:
                digest.update(facts(name, os.stat(root / name)))  # noqa: PTH116
            except (OSError, ValueError):
                digest.update(facts(name, None))
        return digest.hexdigest()[:32]

    def changed(self, root: Path) -> int:
        """Return when a file of it last changed, by the system's clock, in ns since 1970; 0 without files.

        Of objects too: another one has another ETag, however soon it came.
        """
        latest = 0
        if contents.is_remote(root):
            return latest
        for name in (*self.files, *self.optional):
            with contextlib.suppress(OSError, ValueError):
                latest = max(latest, os.stat(root / name).st_ctime_ns)  # noqa: PTH116
        return latest


def facts(name: str, seen: os.stat_result | None) -> bytes:
    """Return the size, times and inode of a file, with its name."""
    known = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino) if seen else ("missing",)
    return "\0".join(["", name, *map(str, known)]).encode(errors="surrogateescape")


def remote_facts(name: str, evidence: str | None) -> bytes:
    """Return what stands for an object, as `facts` for a file: its evidence, with its name."""
    return f"\0{name}\0{evidence or 'missing'}".encode(errors="surrogateescape")


class Reader(Protocol):
    """One dataset, opened. Readers are picklable: a worker process opens its own files."""

    format: str  # the reader's name in READERS
    root: Path  # shards and keys are relative to it
    split: str | None
    modality: str  # what its samples are: a name in `prune.modalities.MODALITIES`

    @property
    def options(self) -> Mapping[str, Any]:
        """JSON-able: what decides how a piece is read, apart from its files; kept scans are known by it."""

    @property
    def places(self) -> Sequence[Path]:
        """The folder that is read as a whole, or else the files that were named: nothing is written there."""

    def with_labels(self, file: LabelFile) -> Any:
        """Return a reader of the same samples whose labels lie in a file of their own: its `label_file`."""

    def units(self) -> Iterator[Unit]:
        """Yield the pieces, in the order of the dataset."""

    def scan(self, unit: Unit) -> pa.Table:
        """Return the samples of one piece as `RAW`; `sources_of(table)` has the SHA-256 of its files.

        Raises
        ------
        DataError
            The piece as a whole cannot be read: cut short, damaged, of the wrong kind.
        """

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the class names in the order of their ids, given the distinct label texts.

        The id of a label text is its place in this list.
        """

    def payloads(self, samples: pa.Table) -> Iterator[Any]:
        """Yield the payload of each row of `SAMPLES`, as `modality` has it: see `prune.modalities`."""


@dataclass(frozen=True)
class ReaderBase:
    """What readers share: a reader is its fields, and labels in a file of their own are one of them."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was opened or found: another process opens its own."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def holds_features(self) -> bool:
        """Whether rows are features, and nothing to look at: of tables, where a column says so."""
        return getattr(self, "features_column", None) is not None

    def with_labels(self, file: LabelFile) -> Self:
        """Return a reader of the same samples, with labels from a file."""
        return replace(self, label_file=file)  # type: ignore[call-arg]

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the labels: by value where all are whole numbers, else as text."""
        return number_order(labels)


def with_sources(
    table: pa.Table,
    sources: Mapping[str, str],
    passed_over: Counts | None = None,
    depths: Mapping[int, int] | None = None,
) -> pa.Table:
    """Attach to a scanned table {file: SHA-256}, and what else is known of its files.

    Parameters
    ----------
    passed_over
        What of the files was passed over, by kind.
    depths
        How many pictures of 16 bits a channel use how many of them; see `bit_depth`.
    """
    noted = {b"sources": _json(sources)} | ({b"passed_over": _json(passed_over)} if passed_over else {})
    return table.replace_schema_metadata(noted | ({b"depths": _json(depths)} if depths else {}))


def sources_of(table: pa.Table) -> dict[str, str]:
    """Return the SHA-256 of each file that `with_sources` attached."""
    return _noted(table, b"sources")


def passed_over_of(table: pa.Table) -> dict[str, int]:
    """Return what was passed over, as `with_sources` attached it."""
    return _noted(table, b"passed_over")


def depths_of(table: pa.Table) -> dict[int, int]:
    """Return how deep pictures are, as `with_sources` attached it."""
    return {int(bits): count for bits, count in _noted(table, b"depths").items()}


def _json(value: Mapping[Any, Any]) -> bytes:
    return json.dumps(dict(value), sort_keys=True).encode()


def _noted(table: pa.Table, name: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((table.schema.metadata or {}).get(name, b"{}"))
    return found


def refuse_unnameable(root: Path, names: Iterable[str]) -> None:
    """Raise `DataError` for the first file whose name is not UTF-8: no table could hold it."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"the name of {root / name} is not UTF-8", "give the file another name"
            ) from error


def key_problem(key: str) -> str | None:
    """Say why a key cannot name a sample, or None where it can."""
    if "\0" in key:
        return "the key holds a NUL byte"
    if "\n" in key or "\r" in key:
        return "the key holds a line break"
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return "the key is not UTF-8"
    if size > MAX_KEY_BYTES:
        return f"the key is over {MAX_KEY_BYTES} bytes"
    if key.startswith("/") or ".." in key.split("/"):
        return "the key is not a path inside the dataset"
    return None


def number_order(labels: Sequence[str]) -> list[str]:
    """Sort label texts: by value where all are whole numbers, else as text."""
    texts = sorted(labels)
    try:
        return sorted(texts, key=int)
    except ValueError:
        return texts
