"""What exporters ask of a reader of lines: the very bytes of records, and what stands around them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from prune.core.errors import DataError
from prune.readers.lines.containers import FileContent

_ROWS = 1 << 16  # that are put in order at once
_BYTES = 64 << 20  # of their records; one that is larger comes alone


class LineRecords(Protocol):
    """A reader whose samples are records of files of lines.

    Names of shards end in the suffix of their container: `a.jsonl.zst`. Offsets and sizes in the sample table
    are those in what the container holds.
    """

    root: Path  # names of shards are relative to it

    def records(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each row's record, without its line end; fast for rows that ascend."""

    def heading(self, shard: str) -> bytes:
        """Return what stands before the first record and belongs to every part of the file: BOM, header."""

    def line_end(self, shard: str) -> bytes:
        """Return what ends the records of a file."""


def read_places(root: Path, samples: pa.Table) -> Iterator[bytes]:
    """Yield the bytes of each row of `SAMPLES` at its `offset`, in the order of the rows.

    Every file is read forward: rows that ascend stream, others are put in order, some ten thousand at a time.
    Memory: 64 MiB of records, or one.

    Raises
    ------
    DataError
        A file is gone, cannot be unpacked, or ends before.
    """
    source = _Files(root)
    try:
        for part in _parts(samples):
            shards = part["shard"].combine_chunks().dictionary_encode()
            names, codes = shards.dictionary.to_pylist(), shards.indices.to_numpy()
            offsets, sizes = part["offset"].to_numpy(), part["size"].to_numpy()
            order = np.lexsort((offsets, codes))
            places = zip(codes[order].tolist(), offsets[order].tolist(), sizes[order].tolist(), strict=True)
            found = (source.read(names[code], offset, size) for code, offset, size in places)
            if np.array_equal(order, np.arange(len(order))):
                yield from found
                continue
            held = [b""] * len(order)
            for row, data in zip(order.tolist(), found, strict=True):
                held[row] = data
            yield from held
    finally:
        source.close()


def _parts(samples: pa.Table) -> Iterator[pa.Table]:
    """Cut rows into parts of as many bytes as may be held."""
    places = samples.select(["shard", "offset", "size"])
    for start in range(0, len(places), _ROWS):
        part = places.slice(start, _ROWS)
        filled = np.cumsum(part["size"].to_numpy()) // _BYTES
        cuts = [0, *(np.flatnonzero(np.diff(filled)) + 1).tolist(), len(part)]
        yield from (part.slice(a, b - a) for a, b in itertools.pairwise(cuts))


class _Files:
    """The files below a root; one is open at a time."""

    def __init__(self, root: Path) -> None:
        self._root, self._name = root, ""
        self._content: FileContent | None = None

    def read(self, name: str, offset: int, size: int) -> bytes:
        if self._content is None or name != self._name:
            self.close()
            self._name, self._content = name, FileContent(self._root / name)
        data = self._content.read(offset, size)
        if len(data) != size:
            raise DataError(f"{self._root / name} ends before byte {offset + size}", "scan the dataset again")
        return data

    def close(self) -> None:
        """Close the file that is open."""
        if self._content is not None:
            self._content.__exit__(None, None, None)
            self._content = None
