"""Kept samples of tar shards for the pipelines of the webdataset library: by their byte ranges alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.loaders.epoch_order import EpochOrder
from prune.loaders.option_checks import batch_size_of
from prune.loaders.ranks import Even, rank_and_world
from prune.loaders.selected import selected
from prune.loaders.shard_samples import ShardSamples
from prune.loaders.without_library import require_library
from prune.store import Store

require_library("webdataset")

from webdataset import DataPipeline  # noqa: E402 - after the look whether it is there
from webdataset.compat import FluidInterface  # noqa: E402
from webdataset.filters import default_collation_fn  # noqa: E402

_WHOLE = 1 << 62  # samples of a run: a shard as it lies


def webdataset(
    store: Store | str | Path = ".prune",
    selection: str | None = None,
    *,
    fraction: str | float | None = None,
    count: int | None = None,
    shuffle: bool = False,
    seed: int = 0,
    buffer: int = 0,
    batch_size: int | None = None,
    rank: int | None = None,
    world: int | None = None,
    even: Even = "no",
    weights: bool = False,
    captions: bool = False,
    data: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
) -> KeptShards:
    """Return the kept samples of shards, as `webdataset.WebDataset` yields them of a smaller tar.

        prune.loaders.webdataset().decode("rgb8").to_tuple("jpg", "cls").batched(64)

    Of every shard only the byte ranges of kept samples are read. A sample is a mapping: `__key__`,
    `__url__`, `__local_path__`, and the bytes of each member by its extension.

    Parameters
    ----------
    store, selection, fraction, count, data, reading
        As of `dataset`.
    shuffle, seed
        Put the shards in an order of their own for each epoch, the same for the same seed.
    buffer
        How many samples are mixed at a time then, as `.shuffle(buffer)` would mix them: but here a state goes
        on in mid-epoch, and there it does not know what lies in the buffer.
    batch_size, rank, world, even
        As of `stream`: samples are dealt to ranks and workers, so there may be fewer shards than workers.
    weights
        Whether a sample has a member `weight`, as an export has it: a number in text.
    captions
        Whether a sample has a member `txt` that is its caption, also where that lies in `.json`; empty where
        there is none.

    Raises
    ------
    OptionError
        The dataset does not lie in shards; and as of `dataset`.
    StoreError, DataError
        As of `dataset`.
    """
    samples = selected(store, selection, fraction=fraction, count=count, data=data, reading=reading)
    if samples.reader.format != "webdataset":
        raise OptionError(
            f"the dataset in {samples.reader.root} is of format {samples.reader.format}, not of tar shards",
            "prune.loaders.stream(…) or dataset(…) read it",
        )
    rank, world = rank_and_world(rank, world)
    order = EpochOrder(
        shuffle=shuffle, seed=seed, run=_WHOLE, mixed=buffer, rank=rank, world=world, even=even
    )
    return KeptShards(
        ShardSamples(samples, order, batch_size_of(batch_size), weights=weights, captions=captions)
    )


@dataclass(frozen=True)
class FullBatches:
    """A stage of a pipeline: batches, without a look at what comes after."""

    size: int
    collation: Any  # None: lists
    partial: bool  # whether a last batch that is not full counts

    def __call__(self, samples: Iterator[Any]) -> Iterator[Any]:
        """Yield the batches of a pass."""
        while batch := list(itertools.islice(samples, self.size)):
            if len(batch) == self.size or self.partial:
                yield batch if self.collation is None else self.collation(batch)


class KeptShards(DataPipeline, FluidInterface):  # type: ignore[misc] # the library has no types
    """A pipeline of the webdataset library that begins with the kept samples of shards."""

    def __init__(self, source: ShardSamples) -> None:
        super().__init__(source)
        self.source = source

    def batched(
        self, batchsize: int, collation_fn: Any = default_collation_fn, partial: bool = True
    ) -> KeptShards:
        """Gather samples, as the library does, but hand a batch out as soon as it is full.

        The library's own stage takes one sample more before: a state would count it, and lose it.
        """
        batch_size_of(batchsize)
        return self.compose(FullBatches(batchsize, collation_fn, partial))

    def listed(self, batchsize: int, partial: bool = True) -> KeptShards:
        """Gather samples in lists."""
        return self.batched(batchsize, None, partial)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, before each: its number decides the order, with the seed."""
        self.source.set_epoch(epoch)

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Return where the pass stands, as of `SampleStream`; stages that hold samples back hide some."""
        return self.source.state_dict(batches)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken: the next pass is the rest of its epoch."""
        self.source.load_state_dict(state)
