"""Samples of tar shards as the webdataset library yields them: the kept ones alone, in long reads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset

from prune.core.arrays import Rows
from prune.core.errors import DataError
from prune.core.object_names import as_addresses
from prune.loaders.epoch_order import EpochOrder
from prune.loaders.epoch_position import EpochPosition
from prune.loaders.payload_access import require_captions
from prune.loaders.sample_stream import files_of, identity_of
from prune.loaders.selected import SelectedSamples
from prune.loaders.weighted_dataset import WEIGHT
from prune.readers.source_watch import Sources
from prune.readers.tar.captions import TarCaptions
from prune.readers.tar.held import Held
from prune.readers.tar.members import members
from prune.readers.tar.samples import split_name
from prune.system import contents
from prune.system.contents import OpenedFile
from prune.system.os_errors import reading

_READ = 256 << 10  # bytes of samples side by side that are read at once; larger blocks leave the cache
_AGAIN = "bring the data back as it was; what was done before the change is kept"


class ShardSamples(IterableDataset[dict[str, Any]]):
    """The kept samples of shards as mappings, epoch by epoch; see `SampleStream`."""

    def __init__(
        self, samples: SelectedSamples, order: EpochOrder, lot: int | None, *, weights: bool, captions: bool
    ) -> None:
        table = samples.kept.samples
        self.samples, self.with_weights = samples, weights
        found = require_captions(samples.reader) if captions else None
        self._caption_members = found.spec if isinstance(found, TarCaptions) else None
        self._offsets, self._sizes = (np.asarray(table[name].to_numpy()) for name in ("offset", "size"))
        self._files = files_of(samples)
        self._names = table["shard"].combine_chunks().dictionary_encode().dictionary.to_pylist()
        self._position = EpochPosition(self._files, order, lot, identity_of(samples, order))

    def __len__(self) -> int:
        return self._position.count

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next."""
        self._position.set_epoch(epoch)

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Return where the pass stands."""
        return self._position.state(batches)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken."""
        self._position.load(state)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        mine = self._position.begin()
        with _Shards(
            self.samples.reader.root, Sources(self.samples.reader.root, self.samples.kept)
        ) as shards:
            for begin, end in self._stretches(mine):
                for sample in self._read(shards, mine[begin:end]):
                    self._position.advance()
                    yield sample

    def _stretches(self, mine: Rows) -> Iterator[tuple[int, int]]:
        """Cut positions where the next sample does not lie right behind, or enough is read."""
        files, begins = self._files[mine], self._offsets[mine]
        ends = begins + self._sizes[mine]
        apart = (files[1:] != files[:-1]) | (begins[1:] != ends[:-1])
        cuts = [0, *(np.flatnonzero(apart) + 1).tolist(), len(mine)]
        for begin, end in itertools.pairwise(cuts):
            at = begin
            while at < end:
                stop = int(np.searchsorted(ends[at:end], begins[at] + _READ, "right")) + at
                stop = max(stop, at + 1)
                yield at, stop
                at = stop

    def _read(self, shards: _Shards, positions: Rows) -> Iterator[dict[str, Any]]:
        """Yield samples that stand side by side in one shard."""
        first, last = int(positions[0]), int(positions[-1])
        name, start = self._names[self._files[first]], int(self._offsets[first])
        data = shards.read(name, start, int(self._offsets[last] + self._sizes[last]) - start)
        path = self.samples.reader.root / name
        found = _grouped(data, path, (self._offsets[positions] - start).tolist())
        for position, sample in zip(positions.tolist(), found, strict=True):
            if self.with_weights:
                sample[WEIGHT] = str(self.samples.weights[position]).encode()
            if self._caption_members is not None:
                sample["txt"] = self._caption_members.among(sample).encode(errors="backslashreplace")
            yield sample


def _grouped(data: bytes, path: Path, begins: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the samples of a byte range, of which those begin at these places; as the library groups them."""
    local = not contents.is_remote(path)
    url, at, end, sample = as_addresses(str(path)), 0, 0, dict[str, Any]()
    held = Held(data, path, cut=True)  # without the end of a tar, which would be one more copy
    for member in members(held):
        if at < len(begins) and member.offset >= begins[at]:
            if at:
                yield sample
            at, sample = at + 1, {}
        if member.kind == "file" and (named := split_name(member.name)) is not None:
            if not sample:
                sample = {"__key__": named[0], "__url__": url}
            sample[named[1]] = data[member.data : member.data + member.size]
            if local:
                sample["__local_path__"] = url
        end = member.end
        if end >= len(data):
            break
    if at != len(begins) or end != len(data):
        raise held.damaged(end)
    yield sample


class _Shards:
    """Shards, opened when they are needed, few at a time; looked at before each read."""

    def __init__(self, root: Path, sources: Sources) -> None:
        self._root, self._sources = root, sources
        self._opened: dict[str, OpenedFile] = {}

    def __enter__(self) -> _Shards:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._opened.values():
            file.close()
        self._opened.clear()

    def read(self, name: str, start: int, size: int) -> bytes:
        """Return bytes of a shard that is the one which was scanned."""
        self._sources.require([name])
        if name not in self._opened:
            if len(self._opened) >= _MOST_OPEN:
                self.__exit__()
            with reading(self._root / name):
                self._opened[name] = contents.opened(self._root / name)
        with reading(self._root / name):
            data = self._opened[name].read(start, size)
        if len(data) != size:
            raise DataError(f"{self._root / name} ends before byte {start + size}", _AGAIN)
        return data


_MOST_OPEN = 64  # files
