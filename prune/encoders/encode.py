"""Encode a dataset into a column, part by part: what was finished is not computed again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Embeddings
from prune.core.errors import DataError
from prune.core.progress import SILENT, Reporter
from prune.store import Column, ColumnPart, ColumnWriter, Dataset
from prune.system.disk_space import require_room
from prune.system.executors.single_core import SingleCorePool

CUT = "cut"  # an attachment of a part: how many of its samples were longer than the encoder looks


class PayloadSource(Protocol):
    """What is read from: any reader."""

    def payloads(self, samples: pa.Table) -> Iterator[Any]:
        """Yield the payload of each row."""


@dataclass(frozen=True)
class EncoderBatch:
    """What an encoder is given at once: always as many payloads."""

    payloads: Any  # as `Encoder.encode` wants them
    count: int  # of them that are samples; the others fill the batch up
    reasons: Mapping[int, str] = field(default_factory=dict)  # why a row of the part cannot be read
    cut: int = 0  # samples that are longer than what is looked at


class Encoder(Protocol):
    """A network, or something simpler, that turns payloads into vectors."""

    name: str
    batch: int  # payloads in a call of `encode`; the last ones are padded to as many

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on, JSON-able: goes into the column's recipe."""

    def batches(
        self, source: PayloadSource, samples: pa.Table, *, workers: int, say: Callable[[str], None]
    ) -> Iterator[EncoderBatch]:
        """Gather the payloads of `samples`, all in their order, into batches of one size."""

    def encode(self, payloads: Any) -> Embeddings:
        """Embed the payloads of a batch as float32 (b, d)."""


def encode_dataset(  # noqa: PLR0913 - what is encoded, and in what surroundings
    encoder: Encoder,
    reader: PayloadSource,
    dataset: Dataset,
    writer: ColumnWriter,
    *,
    workers: int = 0,
    threads: int = 1,
    dtype: npt.DTypeLike = np.float16,
    reporter: Reporter = SILENT,
) -> None:
    """Write the embedding of every sample, for the parts that `writer` lacks.

    Rows that cannot be read hold NaN and are in the rejects of the column, as are those whose embedding is
    not finite; rows that the scan rejected hold NaN. Batches never cross a part and are padded to full size,
    so that neither interruptions nor workers change a byte. Memory: one part, and two batches a thread.

    Parameters
    ----------
    threads
        Batches that are encoded side by side, one core each: for networks on a CPU.

    Raises
    ------
    DataError
        An embedding is too large for `dtype`, or the dataset cannot be read on.
    OutputError
        The embeddings will not fit on the disk.
    """
    missing = list(writer.missing())
    total = sum(p.stop - p.start for p in missing)
    with reporter.stage(f"embed with {encoder.name}", total) as advance, SingleCorePool(threads) as pool:
        for number, part in enumerate(missing):
            samples = dataset.samples.slice(part.start, part.stop - part.start)
            rejects: dict[int, str] = {}
            values, done, cut = np.empty((0, 0), np.float32), 0, 0
            batches = encoder.batches(reader, samples, workers=workers, say=reporter.say)
            with contextlib.closing(batches):  # type: ignore[type-var]
                for batch, result in pool.each(lambda batch: encoder.encode(batch.payloads), batches):
                    embedded = result()
                    if not done:
                        left = sum(p.stop - p.start for p in missing[number:])
                        require_room(writer.folder, left * embedded.shape[1] * np.dtype(dtype).itemsize)
                        values = np.empty((len(samples), embedded.shape[1]), np.float32)
                    values[done : done + batch.count] = embedded[: batch.count]
                    done += batch.count
                    cut += batch.cut
                    rejects |= batch.reasons
                    advance(batch.count)
            _note_cut(writer, part, cut)
            _put(writer, part, values, _sound(samples, values, rejects), rejects, np.dtype(dtype))


def cut_in(column: Column) -> int:
    """Return how many samples of a column were longer than its encoder looks."""
    return sum(json.loads(column.attachment(CUT, number)) for number in column.attachments(CUT))


def _note_cut(writer: ColumnWriter, part: ColumnPart, cut: int) -> None:
    """Write beside a part how many of its samples were cut, before the part itself is there."""
    if cut:
        writer.attach(CUT, part.number, json.dumps(cut).encode(), "json")


def _sound(samples: pa.Table, values: Embeddings, rejects: dict[int, str]) -> Array:
    """Mark the rows that count, and reject those whose embedding is not finite."""
    sound: Array = samples["reason"].is_null().to_numpy()
    sound[list(rejects)] = False
    for position in np.flatnonzero(sound & ~np.isfinite(values).all(axis=1)).tolist():
        rejects[position] = "non-finite embedding"
        sound[position] = False
    return sound


def _put(
    writer: ColumnWriter,
    part: ColumnPart,
    values: Embeddings,
    sound: Array,
    rejects: Mapping[int, str],
    dtype: np.dtype[Any],
) -> None:
    values[~sound] = np.nan
    check_range(values, dtype)
    rows = {part.start + position: reason for position, reason in rejects.items()}
    writer.put(part, values.astype(dtype), rows)


def check_range(values: Embeddings, dtype: np.dtype[Any]) -> None:
    """Refuse embeddings that a type cannot hold; NaN is passed over.

    Raises
    ------
    DataError
        One is beyond the largest number of `dtype`.
    """
    # fmax and fmin: no copy of a part, and no warning where every row was rejected
    largest = max(
        float(np.fmax.reduce(values, None, initial=0)), -float(np.fmin.reduce(values, None, initial=0))
    )
    limit = float(np.finfo(dtype).max)
    if largest > limit:
        raise DataError(
            f"an embedding reaches {largest:g}, beyond {limit:g}, the limit of {dtype}", "add --dtype float32"
        )
