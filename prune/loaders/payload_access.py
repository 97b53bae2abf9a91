"""Payloads of single samples, in any order: every process opens the files itself, and no copy is made."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.errors import DataError, OptionError
from prune.loaders.selected import SelectedSamples
from prune.readers import Reader
from prune.readers.arrays import Arrays
from prune.readers.captions import Captions, captions_of
from prune.readers.huggingface import HuggingFace
from prune.readers.lines.containers import codec_of
from prune.readers.lines.reader import LineReader
from prune.readers.lines.unpacked_files import UnpackedFiles
from prune.readers.scanned import Scanned
from prune.readers.source_watch import Sources
from prune.readers.tables.sample import row_bytes
from prune.steps.expected_modality import holds_features
from prune.system.npy import open_npy

_HELD = 256 << 20  # bytes of row groups, or of compressed files, that a process holds unpacked


class PayloadAccess:
    """Reads payloads by the position of a sample among those that are kept.

    What is opened belongs to one process: a copy that was pickled, or that a fork left in a child, opens its
    own. Before each read the system is asked whether the source files are still those that were scanned;
    a payload that does not lie in one, but is a file of its own, is compared with its digest.
    """

    def __init__(self, samples: SelectedSamples) -> None:
        self._samples = samples
        self._rejects = samples.kept.rejects
        self._process = -1
        self._reader: Reader = samples.reader
        self._sources: Sources | None = None
        self._unpacked: UnpackedFiles | None = None
        self._captions: Captions | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"samples": self._samples}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["samples"])  # type: ignore[misc] # nothing but the samples is its own

    def read(self, positions: Sequence[int]) -> list[Any]:
        """Return the payload of each position, in their order.

        They are read in the order of the files: of many at once, every file is gone through once.

        Raises
        ------
        StoreError
            A source file, or a payload, is not that which was scanned.
        DataError
            A file cannot be read, or the sample was rejected when it was scanned.
        """
        places, inverse = np.unique(np.asarray(positions, np.int64), return_inverse=True)
        self._refuse_rejects(places)
        reader, rows = self._opened(), self._unchanged(places)
        payloads = list(self._payloads(reader, rows))
        return [payloads[place] for place in inverse.tolist()]

    def captions(self, positions: Sequence[int]) -> list[str]:
        """Return the caption of each position, empty where an image has none; as `read`."""
        places, inverse = np.unique(np.asarray(positions, np.int64), return_inverse=True)
        reader, rows = self._opened(), self._unchanged(places)
        if self._captions is None:
            self._captions = require_captions(reader)
        found = list(self._captions.payloads(rows))
        return [found[place] for place in inverse.tolist()]

    def _unchanged(self, places: Any) -> pa.Table:
        """Return the rows of places, all of whose files are still those of the scan."""
        rows = self._samples.kept.samples.take(pa.array(places))
        names = pc.unique(rows["shard"]).drop_null().to_pylist()
        assert self._sources is not None
        self._sources.require([name for name in names if name in self._samples.kept.sources])
        return rows

    def _refuse_rejects(self, places: Any) -> None:
        for place in places.tolist() if self._rejects else ():
            if (reason := self._rejects.get(place)) is not None:
                key = self._samples.kept.samples["key"][place].as_py()
                raise DataError(
                    f"{key} was rejected when the dataset was read: {reason}",
                    "leave it out: prune.Store(…).dataset.usable are the rows that can be read",
                )

    def _payloads(self, reader: Reader, rows: pa.Table) -> Iterator[Any]:
        if holds_features(reader):
            return _features(reader, rows)
        if self._unpacked is not None and isinstance(reader, LineReader):
            return reader.texts(rows, self._unpacked.records(rows))
        return Scanned(reader).payloads(rows) if self._are_files(rows) else reader.payloads(rows)

    def _are_files(self, rows: pa.Table) -> bool:
        """Whether payloads may be files of their own: those of folders, and pictures beside a table."""
        beside = self._samples.reader.format == "huggingface" and self._samples.kept.modality == "image"
        return beside or rows["shard"].null_count > 0

    def _opened(self) -> Reader:
        if self._process != os.getpid() or self._sources is None:
            self._reader = _unopened(self._samples.reader)
            self._unpacked = UnpackedFiles(self._reader.root, _HELD) if is_packed(self._reader) else None
            self._sources = Sources(self._reader.root, self._samples.kept)
            self._captions = None
            self._process = os.getpid()
        return self._reader


def require_captions(reader: Reader) -> Captions:
    """Return the captions of images.

    Raises
    ------
    OptionError
        They have none, or the samples are no images.
    """
    if (found := captions_of(reader)) is None:
        raise OptionError(
            f"captions=True, and the samples of {reader.root} have none beside an image",
            "leave captions= out; or say where: prune embed DATA --image-column jpg --text-field txt",
        )
    return found


def is_packed(reader: Reader) -> bool:
    """Whether records lie in compressed files, of which any begins with all that is before it."""
    return isinstance(reader, LineReader) and any(map(codec_of, reader.files.names))


def _unopened(reader: Reader) -> Reader:
    """Return a copy of a reader without what it has opened; of a table, one for rows in any order."""
    if isinstance(reader, HuggingFace):
        return replace(reader, held=_HELD)
    return copy.copy(reader)  # see `ReaderBase.__getstate__`


def _features(reader: Reader, rows: pa.Table) -> Iterator[Any]:
    """Yield the features of each row: a writable array of float32, or of the type of the `.npy`."""
    if isinstance(reader, Arrays):
        values = open_npy(reader.root / reader.name)
        yield from np.array(values[rows["index"].to_numpy()])
    elif isinstance(reader, HuggingFace):
        for lists in reader.numbers(rows):
            for data in row_bytes(pa.chunked_array([lists])):
                yield np.frombuffer(data or b"", "<f4").copy()
