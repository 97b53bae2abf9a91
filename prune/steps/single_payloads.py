"""The payloads of a few samples, to be looked at: what cannot be read is an error in its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError, PruneError, StoreError
from prune.modalities import MODALITIES
from prune.steps.dataset_session import Opened, unscanned
from prune.steps.settings import Settings
from prune.store import Dataset, Store

CHANGED = "it is another file than the one that was scored"


def single_payloads(opened: Opened, samples: pa.Table) -> Iterator[Any]:
    """Yield the payload of each row, or the error that is in its place: also of what changed since."""
    digests = MODALITIES[opened.dataset.modality].digests
    for known, payload in zip(samples["digest"].to_pylist(), _read(opened, samples), strict=True):
        changed = not isinstance(payload, Exception) and known is not None and known not in digests(payload)
        yield DataError(CHANGED) if changed else payload


def _read(opened: Opened, samples: pa.Table) -> Iterator[Any]:
    at = 0
    while at < len(samples):  # after what cannot be read, from the next one on
        try:
            for payload in opened.reader.payloads(samples.slice(at)):
                yield payload
                at += 1
        except (PruneError, OSError, ValueError) as error:  # the last of pyarrow, about a damaged table
            yield error
            at += 1


class SampleWords:
    """What single samples say, on one line each; nothing where samples are no texts, or cannot be read."""

    def __init__(self, store: Store, dataset: Dataset, settings: Settings) -> None:
        self._dataset = dataset
        self._one_line = MODALITIES[dataset.modality].one_line
        self._opened: Opened | None = None
        if self._one_line is not None:
            try:
                self._opened = unscanned(store, dataset, settings)
            except (DataError, OptionError, StoreError, OSError):
                self._opened = None  # the dataset is elsewhere, which is no reason to say nothing else

    @property
    def any(self) -> bool:
        """Whether samples of this kind can be read at all."""
        return self._one_line is not None

    def of(self, rows: Rows, most: int) -> list[str | None]:
        """Return the words of each row, of at most so many characters; each row is read once."""
        if self._one_line is None or self._opened is None or not len(rows):
            return [None] * len(rows)
        wanted, places = np.unique(rows, return_inverse=True)
        payloads = single_payloads(self._opened, self._dataset.samples.take(pa.array(wanted, pa.int64())))
        words = [None if isinstance(one, Exception) else self._one_line(one, most) for one in payloads]
        return [words[place] for place in places.tolist()]
