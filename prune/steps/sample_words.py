"""What samples say, on one line each, where they are texts or have captions: for terminals and for lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError, StoreError
from prune.modalities import MODALITIES
from prune.readers.captions import Captions
from prune.steps.dataset_session import Opened, unscanned
from prune.steps.settings import Settings
from prune.steps.single_payloads import single_payloads
from prune.steps.text_payloads import captions_in
from prune.store import Dataset, Store

BEGINNING = 240  # characters of a text among other things


class SampleWords:
    """What single samples say, on one line each; nothing where samples are no texts, or cannot be read."""

    def __init__(self, store: Store, dataset: Dataset, settings: Settings) -> None:
        self._dataset = dataset
        self._one_line = MODALITIES[dataset.modality].one_line
        self._opened: Opened | None = None
        self._captions: Captions | None = None
        try:
            self._opened = unscanned(store, dataset, settings)
            self._captions = captions_in(self._opened)
        except (DataError, OptionError, StoreError, OSError):
            self._opened = None  # the dataset is elsewhere, which is no reason to say nothing else
        if self._captions is not None:
            self._one_line = MODALITIES["text"].one_line

    @property
    def any(self) -> bool:
        """Whether samples of this kind can be read at all."""
        return self._one_line is not None

    def of(self, rows: Rows, most: int) -> list[str | None]:
        """Return the words of each row, of at most so many characters; each row is read once."""
        if self._one_line is None or self._opened is None or not len(rows):
            return [None] * len(rows)
        wanted, places = np.unique(rows, return_inverse=True)
        samples = self._dataset.samples.take(pa.array(wanted, pa.int64()))
        payloads = single_payloads(self._opened, samples, self._captions)
        words = [None if isinstance(one, Exception) else self._one_line(one, most) for one in payloads]
        return [words[place] for place in places.tolist()]

    def of_keys(self, keys: Sequence[str], most: int) -> list[str | None]:
        """Return the words of each key; of one that is not in the dataset, None."""
        if not self.any or not keys:
            return [None] * len(keys)
        known = self._dataset.samples["key"].combine_chunks()
        found = pc.index_in(pa.array(keys, pa.string()), value_set=known)
        rows = [row for row in found.to_pylist() if row is not None]
        words = iter(self.of(np.array(rows, np.int64), most))
        return [None if row is None else next(words) for row in found.to_pylist()]


def texts_of(words: SampleWords, keys: Sequence[str]) -> dict[str, str]:
    """Return how the texts of these samples begin, by key; nothing where samples are no texts."""
    found = zip(keys, words.of_keys(keys, BEGINNING), strict=True)
    return {key: text for key, text in found if text is not None}
