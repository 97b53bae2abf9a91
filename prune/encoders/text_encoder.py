"""What encoders of texts have in common: texts are read in order, and made ready batch by batch."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from prune.encoders.encode import EncoderBatch
from prune.modalities.text.batches import TextSource, read_texts

TEXTS_AT_ONCE = {"cpu": 16, "cuda": 256}  # texts that go through a network at once, at first


class TextEncoder(ABC):
    """An encoder whose `encode` wants what `prepared` makes of texts."""

    batch: int

    @abstractmethod
    def prepared(self, texts: list[str]) -> tuple[Any, list[int]]:
        """Return texts as `encode` wants them, and the places of those that were too long and cut."""

    def batches(
        self,
        source: TextSource,
        samples: pa.Table,
        *,
        workers: int,  # noqa: ARG002 - of encoders of images: a text is read at once
        say: Callable[[str], None],  # noqa: ARG002 - nothing goes wrong that would be said
    ) -> Iterator[EncoderBatch]:
        """Make the texts ready; the last batch is filled up with empty ones, as rows that are not read."""
        stream = read_texts(source, samples, batch=self.batch)
        with contextlib.closing(stream):  # type: ignore[type-var]
            for _, texts in stream:
                filled = texts + [""] * (self.batch - len(texts))
                payloads, cut = self.prepared(filled)
                yield EncoderBatch(payloads, len(texts), cut=cut)
