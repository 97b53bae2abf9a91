"""An export as asked for: rows of a dataset, the reader that has their bytes, files that describe them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows, Weights
from prune.core.content import content_digest
from prune.core.epoch_sets import EpochSets
from prune.core.errors import StoreError
from prune.core.progress import SILENT, Reporter
from prune.modalities import MODALITIES
from prune.modalities.form import PayloadForm
from prune.readers.labels.file import LabelFile
from prune.readers.lines.reader import LineReader
from prune.readers.sample import Reader
from prune.readers.scanned import Scanned
from prune.readers.source_watch import Sources
from prune.store import Dataset, identity

if TYPE_CHECKING:
    from prune.exporters.staging.folder import StagingFolder

# Writes parts of an export beside this process, by their names; yields the files of each, with size and
# SHA-256, in their order. None: that is not worth it.
Listed = Mapping[str, Mapping[str, Any]]
WriteApart = Callable[["ExportJob", "StagingFolder", Sequence[str]], Iterator[Listed] | None]

VERSION = 5  # raised when the same job would write other bytes


@dataclass(frozen=True)
class ExportJob:
    """One export, without its form and place."""

    reader: Reader
    dataset: Dataset
    rows: Rows  # ascending
    weights: Weights | None = None  # aligned with rows
    records: Mapping[str, bytes] = field(default_factory=dict)  # files that describe the selection
    reporter: Reporter = SILENT
    asked: Mapping[str, Any] = field(default_factory=dict)  # selection, fraction, rejected: as typed
    source_weight: str | None = None  # what the source calls weights that `weights` has taken in
    apart: WriteApart | None = None  # where not all of it is to be written by this process
    sets: EpochSets | None = None  # of a schedule: which of the rows each epoch has
    memo: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What is found once and used often: of this job, and never of one that `replace` makes of it."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def label_file(self) -> LabelFile | None:
        """Where the labels lie, if in a file of their own: then those in the source do not count."""
        file: LabelFile | None = getattr(self.reader, "label_file", None)
        return file

    def identity(self, exporter: str, options: Mapping[str, Any]) -> str:
        """Stand for all that decides the bytes of the export."""
        return identity(
            {
                "exporter": exporter,
                "version": VERSION,
                "options": dict(options),
                "dataset": self.dataset.fingerprint,
                "rows": _digest(self.rows.astype("<i8").tobytes()),
                "weights": None if self.weights is None else _digest(self.weights.astype("<f4").tobytes()),
                "records": {name: _digest(data) for name, data in self.records.items()},
            }
        )

    def samples(self, rows: Rows | None = None) -> pa.Table:
        """Return rows of the sample table; by default all that are exported."""
        return self.dataset.samples.take(pa.array(self.rows if rows is None else rows))

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a column of the sample table, all exported rows of it."""
        return self.dataset.samples[name].take(pa.array(self.rows))

    def by_shard(self) -> list[tuple[str, Rows]]:
        """Return the files of the source that hold an exported sample, in their order, with its rows each."""
        shards = self.column("shard").combine_chunks().dictionary_encode()
        codes = shards.indices.to_numpy()
        ordered = self.rows[np.argsort(codes, kind="stable")]
        pieces = np.split(ordered, np.cumsum(np.bincount(codes))[:-1])
        return list(zip(shards.dictionary.to_pylist(), pieces, strict=True))

    @property
    def form(self) -> PayloadForm:
        """How a payload stands in what is written."""
        return MODALITIES[self.reader.modality].form

    @property
    def payload_column(self) -> str:
        """What a table calls the payloads: as the source does, if it has one name for them."""
        if "column" not in self.memo:
            first = self.samples(self.rows[:1])
            own = _text_name(self.reader, first) if isinstance(self.reader, LineReader) else None
            self.memo["column"] = own or self.form.column
        name: str = self.memo["column"]
        return name

    @cached_property
    def sources(self) -> Sources:
        """The files that hold the samples."""
        return Sources(self.reader.root, self.dataset)

    def steady(self, rows: Rows) -> AbstractContextManager[None]:
        """Vouch for what is read of these rows in the block; see `Sources.steady`."""
        shards = pc.unique(self.dataset.samples["shard"].take(pa.array(rows))).drop_null()
        return self.sources.steady(shards.to_pylist())

    def payloads(self, rows: Rows) -> Iterator[bytes]:
        """Yield the bytes of each payload as a file holds them: of images as they are, of texts in UTF-8.

        Raises
        ------
        StoreError
            One is not that which was scanned.
        """
        encoded = self.form.encoded
        for payload in Scanned(self.reader).payloads(self.samples(rows)):
            yield encoded(payload)

    def chunks(self, size: int) -> list[tuple[int, Rows]]:
        """Cut the rows into pieces of `size`; at least one piece."""
        return [(i, self.rows[s : s + size]) for i, s in enumerate(range(0, max(len(self), 1), size))]

    def size(self) -> int:
        """Bytes of the exported payloads, as far as the scan knows them."""
        return pc.sum(self.column("image_size")).as_py() or 0


def _text_name(reader: LineReader, first: pa.Table) -> str | None:
    """Return what the first record calls its text."""
    record = next(iter(reader.records(first)))
    return reader.text_name(first["shard"][0].as_py(), record)


def check_digest(key: str, digest: bytes | None, data: bytes | memoryview) -> None:
    """Raise `StoreError` if a payload is not the one that was scanned."""
    if digest is not None and content_digest(data) != digest:
        raise StoreError(
            f"stale: {key} changed while it was read", "run the command again when the data is as it was"
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
