"""Encode a dataset into a column, part by part: what was finished is not computed again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Embeddings, Rows
from prune.core.errors import DataError
from prune.core.progress import SILENT, Reporter
from prune.encoders.cut_texts import CarriedCuts, note_cut
from prune.store import CarriedRows, ColumnPart, ColumnWriter, Dataset
from prune.system.disk_space import require_room
from prune.system.executors.single_core import SingleCorePool


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
    cut: Sequence[int] = ()  # places in the batch of samples that are longer than what is looked at


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
    carried: CarriedRows | None = None,
    parts: Sequence[ColumnPart] | None = None,
    reporter: Reporter = SILENT,
) -> int:
    """Write the embedding of every sample, for the parts that `writer` lacks; return how many were read.

    Rows that cannot be read hold NaN and are in the rejects of the column, as are those whose embedding is
    not finite; rows that the scan rejected hold NaN. Batches never cross a part and are padded to full size,
    so that neither interruptions nor workers change a byte. Memory: one part, and two batches a thread.

    Parameters
    ----------
    threads
        Batches that are encoded side by side, one core each: for networks on a CPU.
    carried
        Rows that hold still, of an earlier state of the dataset: these are not read again.
    parts
        Which to write; default: all that are missing.

    Raises
    ------
    DataError
        An embedding is too large for `dtype`, or the dataset cannot be read on.
    OutputError
        The embeddings will not fit on the disk.
    """
    missing = list(writer.missing()) if parts is None else parts
    work = [(part, _positions(dataset, part, carried)) for part in missing]
    total = sum(len(positions) for _, positions in work)
    with reporter.stage(f"embed with {encoder.name}", total) as advance, SingleCorePool(threads) as pool:
        for number, (part, positions) in enumerate(work):
            left = sum(p.stop - p.start for p in missing[number:])
            made = _Part(part, dataset.samples.slice(part.start, part.stop - part.start), carried)
            batches = encoder.batches(reader, made.samples_at(positions), workers=workers, say=reporter.say)
            done = 0
            with contextlib.closing(batches):  # type: ignore[type-var]
                for batch, result in pool.each(lambda batch: encoder.encode(batch.payloads), batches):
                    embedded = result()
                    if not done:
                        require_room(writer.folder, left * embedded.shape[1] * np.dtype(dtype).itemsize)
                    made.take(positions, done, embedded, batch)
                    done += batch.count
                    advance(batch.count)
            made.put(writer, np.dtype(dtype))
    return total


class _Part:
    """The embedding of a part in the making: rows that are carried over, and rows that are encoded."""

    def __init__(self, part: ColumnPart, samples: pa.Table, carried: CarriedRows | None) -> None:
        self._part, self._samples = part, samples
        self._values: Embeddings | None = None
        self._rejects: dict[int, str] = {}
        self._cut: list[int] = []
        if carried is not None:
            self._values = np.full((len(samples), carried.column.shape[1]), np.nan, np.float32)
            self._values[carried.there(part.start, part.stop)] = carried.read(part.start, part.stop)
            self._cut = CarriedCuts.of(carried).places(part)

    def samples_at(self, positions: Rows) -> pa.Table:
        """Return these samples of the part."""
        whole = len(positions) == len(self._samples)
        return self._samples if whole else self._samples.take(pa.array(positions))

    def take(self, positions: Rows, done: int, embedded: Embeddings, batch: EncoderBatch) -> None:
        """Take the next batch of what was encoded at `positions`, of which so many were taken."""
        if self._values is None:
            self._values = np.empty((len(self._samples), embedded.shape[1]), np.float32)
        here = positions[done : done + batch.count]
        self._values[here] = embedded[: batch.count]
        self._rejects |= {int(positions[place]): why for place, why in batch.reasons.items()}
        self._cut += here[list(batch.cut)].tolist()

    def put(self, writer: ColumnWriter, dtype: np.dtype[Any]) -> None:
        """Write the part."""
        values = np.empty((0, 0), np.float32) if self._values is None else self._values
        note_cut(writer, self._part, self._cut)
        sound = _sound(self._samples, values, self._rejects)
        _put(writer, self._part, values, sound, self._rejects, dtype)


def _positions(dataset: Dataset, part: ColumnPart, carried: CarriedRows | None) -> Rows:
    """Return the places in a part of the samples that have to be read."""
    if carried is None:
        return np.arange(part.stop - part.start)
    usable = dataset.samples["reason"].slice(part.start, part.stop - part.start).is_null().to_numpy()
    return np.flatnonzero(usable & ~carried.there(part.start, part.stop))


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
