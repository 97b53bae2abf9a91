"""Encode a dataset into a column, part by part: what was finished is not computed again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prune.core.arrays import Array, Embeddings, Images
from prune.core.errors import DataError
from prune.core.progress import SILENT, Reporter
from prune.modalities.image import Crop, read_images
from prune.modalities.image.batches import ImageSource
from prune.store import ColumnPart, ColumnWriter, Dataset
from prune.system.disk_space import require_room
from prune.system.executors.single_core import SingleCorePool


class Encoder(Protocol):
    """A network, or something simpler, that turns images into vectors."""

    name: str
    crop: Crop  # what becomes of an image before it is encoded
    batch: int  # images in a call of `encode`; the last ones are padded to as many

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on, JSON-able: goes into the column's recipe."""

    def encode(self, images: Images) -> Embeddings:
        """Embed uint8 images (b, 3, s, s) as float32 (b, d)."""


def encode_dataset(  # noqa: PLR0913 - what is encoded, and in what surroundings
    encoder: Encoder,
    reader: ImageSource,
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
            values, done = np.empty((0, 0), np.float32), 0
            batches = _batches(encoder, reader, samples, workers, reporter)
            for (_, count, reasons), result in pool.each(lambda batch: encoder.encode(batch[0]), batches):
                embedded = result()
                if not done:
                    left = sum(p.stop - p.start for p in missing[number:])
                    require_room(writer.folder, left * embedded.shape[1] * np.dtype(dtype).itemsize)
                    values = np.empty((len(samples), embedded.shape[1]), np.float32)
                values[done : done + count] = embedded[:count]
                done += count
                rejects |= reasons
                advance(count)
            _put(writer, part, values, _sound(samples, values, rejects), rejects, np.dtype(dtype))


def _batches(
    encoder: Encoder, reader: ImageSource, samples: pa.Table, workers: int, reporter: Reporter
) -> Iterator[tuple[Images, int, dict[int, str]]]:
    """Gather what the reader yields into batches of one size; the last is filled up with zeros."""
    shape = (encoder.batch, 3, encoder.crop.size, encoder.crop.size)
    images, count = np.zeros(shape, np.uint8), 0
    reasons: dict[int, str] = {}
    say = reporter.say
    stream = read_images(reader, samples, encoder.crop, workers=workers, batch=encoder.batch, say=say)
    with contextlib.closing(stream):  # type: ignore[type-var]
        for _, block, unreadable in stream:
            reasons |= unreadable
            while len(block):
                taken = min(len(block), encoder.batch - count)
                images[count : count + taken] = block[:taken]
                block, count = block[taken:], count + taken
                if count == encoder.batch:
                    yield images, count, reasons
                    images, count, reasons = np.zeros(shape, np.uint8), 0, {}
    if count or reasons:
        yield images, count, reasons


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
