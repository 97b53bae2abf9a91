"""The texts of a whole dataset, batch after batch in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa


class TextSource(Protocol):
    """What is read from: any reader of texts."""

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the text of each row."""


ROOM = 8 << 20  # characters of a batch, about: where texts are long it ends early


def read_texts(
    reader: TextSource, samples: pa.Table, *, batch: int = 256, room: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield the texts of `samples`, with the position in `samples` of the first of a batch.

    A row with a `reason` is not read: its text is empty. Memory: one batch, which with `room` ends once its
    texts have so many characters.

    Raises
    ------
    DataError
        The reader cannot read on.
    """
    sound = samples["reason"].is_null().to_numpy()
    stream = reader.payloads(samples.filter(sound))
    start, texts, held = 0, list[str](), 0
    for known in sound.tolist():
        texts.append(next(stream) if known else "")
        held += len(texts[-1])
        if len(texts) == batch or (room is not None and held >= room):
            yield start, texts
            start, texts, held = start + len(texts), [], 0
    if texts:
        yield start, texts
