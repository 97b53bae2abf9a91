"""The texts of a whole dataset, batch after batch in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa


class TextSource(Protocol):
    """What is read from: any reader of texts."""

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the text of each row."""


def read_texts(reader: TextSource, samples: pa.Table, *, batch: int = 256) -> Iterator[tuple[int, list[str]]]:
    """Yield the texts of `samples`, with the position in `samples` of the first of a batch.

    A row with a `reason` is not read: its text is empty. Memory: one batch.

    Raises
    ------
    DataError
        The reader cannot read on.
    """
    sound = samples["reason"].is_null().to_numpy()
    stream = reader.payloads(samples.filter(sound))
    for start in range(0, len(samples), batch):
        known = sound[start : start + batch]
        yield start, [next(stream) if one else "" for one in known.tolist()]
