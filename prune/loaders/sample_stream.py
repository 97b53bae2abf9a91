"""The kept samples as an iterable dataset of torch: in long reads, over ranks and workers, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from torch.utils.data import IterableDataset

from prune.core.arrays import Labels, Rows
from prune.loaders.epoch_order import Codes, EpochOrder
from prune.loaders.epoch_position import EpochPosition
from prune.loaders.option_checks import batch_size_of
from prune.loaders.payload_access import is_packed
from prune.loaders.ranks import Even, rank_and_world
from prune.loaders.sample_dataset import Decode, SampleDataset
from prune.loaders.selected import SelectedSamples, selected
from prune.readers import Reader
from prune.readers.huggingface import HuggingFace
from prune.store import Store, identity
from prune.store.tables import content_hash

_RUN = 1024  # neighbours that stay together, where files are read forward
_MIXED = 16_384  # samples that are mixed then, if they are small
_HELD = 256 << 20  # bytes of such samples, which are held at once
_READ = 256  # samples that are read together, where any place of a file can be read
_AT_ONCE = 64 << 20  # bytes of these


def stream(
    store: Store | str | Path = ".prune",
    selection: str | None = None,
    *,
    fraction: str | float | None = None,
    count: int | None = None,
    everything: bool = False,
    shuffle: bool = False,
    seed: int = 0,
    buffer: int | None = None,
    batch_size: int | None = None,
    rank: int | None = None,
    world: int | None = None,
    even: Even = "no",
    weights: bool = False,
    keys: bool = False,
    captions: bool = False,
    decode: Decode = True,
    transform: Callable[[Any], Any] | None = None,
    data: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
) -> SampleStream:
    """Return the kept samples of a selection one after the other, read where they lie.

    Parameters
    ----------
    store, selection, fraction, count, everything, weights, keys, captions, decode, transform, data, reading
        As of `dataset`.
    shuffle, seed
        Draw an order for each epoch (see `SampleStream.set_epoch`), the same for the same seed.
    buffer
        How many samples are mixed at a time; default: all, and of tables and compressed files, which are
        read forward, 16,384 or 256 MiB of them.
    batch_size
        That of the `DataLoader`: then its batches are the same for any number of workers, and a state can be
        told by their number. Without it every worker goes through a stretch of its own.
    rank, world
        Which of how many processes this is; default: as torch.distributed or torchrun say.
    even
        Where ranks do not come out even: `no`, each sample once, and ranks differ by one; `repeat`, the
        first come again; `drop`, the last are left out. A training that waits for all ranks wants one of
        these two.

    Raises
    ------
    StoreError, DataError, OptionError
        As of `dataset`; options that do not go together.
    """
    samples = selected(
        store,
        selection,
        fraction=fraction,
        count=count,
        everything=everything,
        data=data,
        reading=reading,
    )
    own = SampleDataset(
        samples, weights=weights, keys=keys, captions=captions, decode=decode, transform=transform
    )
    rank, world = rank_and_world(rank, world)
    mixed, run = (_window(samples), _RUN) if is_read_forward(samples.reader) else (None, 1)
    order = EpochOrder(
        shuffle=shuffle,
        seed=seed,
        run=run,
        mixed=mixed if buffer is None else buffer,
        rank=rank,
        world=world,
        even=even,
    )
    return SampleStream(own, order, batch_size)


class SampleStream(IterableDataset[Any]):
    """Samples of a selection, epoch by epoch.

    `len` is the number of those of this rank. A `DataLoader` with workers gives each worker its own; every
    sample comes once an epoch.
    """

    def __init__(self, samples: SampleDataset, order: EpochOrder, batch_size: int | None = None) -> None:
        self.samples = samples
        self.classes = samples.classes
        self._forward = is_read_forward(samples.samples.reader)
        self._position = EpochPosition(
            files_of(samples.samples), order, batch_size_of(batch_size), identity_of(samples.samples, order)
        )

    def __len__(self) -> int:
        return self._position.count

    def __repr__(self) -> str:
        return f"SampleStream({self.samples!r})"

    @property
    def epoch(self) -> int:
        """The epoch that the next pass is of."""
        return self._position.epoch

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes next, before each: its number decides the order, with the seed."""
        self._position.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        mine = self._position.begin()
        for part in self._reads(mine):
            for sample in self.samples.at(part.tolist()):
                self._position.advance()
                yield sample

    def _reads(self, mine: Rows) -> Iterator[Rows]:
        """Cut positions into what is read and held at once."""
        most, held = (_MIXED, _HELD) if self._forward else (_READ, _AT_ONCE)
        filled = np.cumsum(sizes_of(self.samples.samples)[mine]) // held
        cuts = np.flatnonzero(np.diff(filled)) + 1
        for piece in np.split(mine, cuts) if len(mine) else ():
            yield from (piece[at : at + most] for at in range(0, len(piece), most))

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Return where the pass stands, for `load_state_dict` of a stream that is made alike, of any rank.

        A `DataLoader` without workers is where this stream is. With workers, the stream of this process has
        not moved: say how many `batches` were trained on since the pass began, which needs `batch_size`. The
        StatefulDataLoader of torchdata asks the streams of its workers by itself.
        """
        return self._position.state(batches)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a state was taken: the next pass is the rest of its epoch."""
        self._position.load(state)


def is_read_forward(reader: Reader) -> bool:
    """Whether what lies far in a file costs what lies before it: of tables and compressed lines."""
    return is_packed(reader) or isinstance(reader, HuggingFace)


def files_of(samples: SelectedSamples) -> Codes:
    """Return the number of the file that each sample lies in; all alike where each is a file."""
    held = pc.fill_null(samples.kept.samples["shard"], "").combine_chunks().dictionary_encode()
    return np.asarray(held.indices.to_numpy())


def sizes_of(samples: SelectedSamples) -> Labels:
    """Return the bytes of each payload, as far as the scan knows them."""
    return np.asarray(pc.fill_null(samples.kept.samples["image_size"], 0).to_numpy())


def identity_of(samples: SelectedSamples, order: EpochOrder) -> str:
    """Return what stands for these samples in this order; ranks of one training have the same."""
    shown = {name: value for name, value in asdict(order).items() if name != "rank"}
    return identity({"samples": content_hash(samples.kept.samples), "order": shown})


def _window(samples: SelectedSamples) -> int:
    mean = max(1, int(sizes_of(samples).mean())) if len(samples) else 1
    return max(_RUN, min(_MIXED, _HELD // mean))
