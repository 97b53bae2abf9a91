"""What compressed files of lines hold, unpacked whole: for records in any order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from prune.core.errors import DataError
from prune.readers.lines.containers import FileContent
from prune.readers.lines.records import read_places


class UnpackedFiles:
    """The files that were asked for last, as many as fit.

    Parameters
    ----------
    root
        Of the names of files.
    limit
        Bytes of all that is held; a file that holds more is gone through from its begin each time.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self._root, self._limit, self._bytes = root, limit, 0
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._large: set[str] = set()

    def records(self, samples: pa.Table) -> Iterator[bytes]:
        """Yield the bytes of each row of `SAMPLES`; fast where rows of one file stand together.

        Raises
        ------
        DataError
            A file is gone, cannot be unpacked, or ends before.
        """
        shards = samples["shard"].combine_chunks().dictionary_encode()
        names, codes = shards.dictionary.to_pylist(), shards.indices.to_numpy()
        for part in np.split(np.arange(len(codes)), np.flatnonzero(np.diff(codes)) + 1):
            if len(part):
                yield from self._of_file(names[codes[part[0]]], samples.slice(part[0], len(part)))

    def _of_file(self, name: str, samples: pa.Table) -> Iterator[bytes]:
        data = self._whole(name)
        if data is None:
            yield from read_places(self._root, samples)
            return
        places = zip(samples["offset"].to_pylist(), samples["size"].to_pylist(), strict=True)
        for offset, size in places:
            if offset + size > len(data):
                what = f"{self._root / name} ends before byte {offset + size}"
                raise DataError(what, "scan the dataset again")
            yield data[offset : offset + size]

    def _whole(self, name: str) -> bytes | None:
        if name in self._held:
            self._held.move_to_end(name)
            return self._held[name]
        if name in self._large:
            return None
        with FileContent(self._root / name) as content:
            data = content.read(0, self._limit + 1)
        if len(data) > self._limit:
            self._large.add(name)
            return None
        self._held[name] = data
        self._bytes += len(data)
        while self._bytes > self._limit:
            _, old = self._held.popitem(last=False)
            self._bytes -= len(old)
        return data
