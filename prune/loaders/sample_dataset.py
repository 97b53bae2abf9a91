"""The kept samples as a map-style dataset of torch: any format, in place, in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset as TorchDataset

from prune.core.arrays import Labels, Rows, Weights
from prune.core.errors import OptionError
from prune.core.object_names import as_addresses
from prune.loaders.payload_access import PayloadAccess, require_captions
from prune.loaders.payload_decoding import PayloadDecoding
from prune.loaders.selected import SelectedSamples, selected
from prune.store import Store

Decode = bool | Callable[[Any], Any]


def dataset(
    store: Store | str | Path = ".prune",
    selection: str | None = None,
    *,
    fraction: str | float | None = None,
    count: int | None = None,
    everything: bool = False,
    weights: bool = False,
    keys: bool = False,
    captions: bool = False,
    decode: Decode = True,
    transform: Callable[[Any], Any] | None = None,
    data: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
) -> SampleDataset:
    """Return the kept samples of a selection, read where they lie.

    Parameters
    ----------
    store
        The store, or a folder that `prune export --format manifest` wrote.
    selection, fraction, count
        Its name, default: the latest; only its first samples, as many as this fraction of all, or so many.
    everything
        All samples instead: position and row are the same, for samplers that name rows.
    weights, keys
        Whether a sample is (x, y, weight), and whether its key comes last.
    captions
        Whether the caption of an image follows it: (x, caption, y, …).
    decode
        True: a picture is an upright RGB image of PIL, a text a `str`, features an array. False: a picture
        is the bytes of its file, or its pixels. A function takes those and returns x.
    transform
        What is done to x then.
    data, reading
        The dataset of an exported selection, and how it is read where its looks do not tell.

    Raises
    ------
    StoreError
        There is no such selection, or the data changed since it was made.
    DataError, OptionError
        The dataset is not where it was; the selection has no smaller one inside.
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
    return SampleDataset(
        samples, weights=weights, keys=keys, captions=captions, decode=decode, transform=transform
    )


class SampleDataset(TorchDataset[Any]):
    """Samples of a selection, in the order of the dataset.

    `rows` says where each stands in the whole dataset; `labels` are the ids of the whole dataset's classes,
    -1 where a sample has none. A `DataLoader` asks for the samples of a batch together, and they are read in
    the order of their files. Picklable; forked or spawned workers open files of their own.
    """

    def __init__(
        self,
        samples: SelectedSamples,
        *,
        weights: bool = False,
        keys: bool = False,
        captions: bool = False,
        decode: Decode = True,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.samples = samples
        self.classes: list[str] = samples.kept.classes
        self.labels: Labels = samples.kept.labels
        self.with_weights, self.with_keys, self.with_captions = weights, keys, captions
        if captions:
            require_captions(samples.reader)
        self.decoding = PayloadDecoding(samples, decode)
        self.transform = transform
        self._access = PayloadAccess(samples)

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        place = as_addresses(str(self.samples.reader.root))
        about = f"{len(self)} samples of {len(self.classes)} classes"
        return f"SampleDataset({self.samples.name!r}, {about}, in {place})"

    @property
    def rows(self) -> Rows:
        """(k,) the row of each sample in the whole dataset, ascending."""
        return self.samples.rows

    @property
    def weights(self) -> Weights:
        """(k,) how much each sample counts; 1 where the selection has no weights."""
        return self.samples.weights

    @property
    def keys(self) -> list[str]:
        """The key of each sample."""
        return self.samples.kept.keys

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The id of each class, as torchvision calls it."""
        return {name: id_ for id_, name in enumerate(self.classes)}

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return several samples: a `DataLoader` asks so for those of a batch."""
        return list(self.at(positions))

    def at(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Read several samples at once, and decode one after the other."""
        checked = [self._checked(position) for position in positions]
        payloads = self._access.read(checked)
        captions = self._access.captions(checked) if self.with_captions else itertools.repeat("")
        for place, asked, payload, caption in zip(checked, positions, payloads, captions, strict=False):
            x = self.decoding(payload, place)
            sample = [x if self.transform is None else self.transform(x)]
            if self.with_captions:
                sample.append(caption)
            sample.append(int(self.labels[place]))
            if self.with_weights:  # a sampler may hand one of its own with the position: see `WeightedRow`
                sample.append(float(getattr(asked, "weight", self.weights[place])))
            if self.with_keys:
                sample.append(self.samples.kept.samples["key"][place].as_py())
            yield tuple(sample)

    def _checked(self, position: Any) -> int:
        try:
            place = position.__index__()
        except AttributeError as error:
            raise OptionError(f"a sample is asked for by its position, not by {position!r}") from error
        if not -len(self) <= place < len(self):  # so that a plain `for` ends
            raise IndexError(f"there are {len(self)} samples, so none at position {place}")
        return int(place) % len(self)
