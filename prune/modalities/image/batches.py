"""The pixels of a whole dataset, batch after batch in its order, decoded here or in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array, Images
from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.modalities.image.decode import Crop, to_pixels
from prune.modalities.image.decode_settings import PLAIN, Decoding, UnreadableImageError
from prune.system.executors.executor import BlockLostError, Processes, ThisProcess, may_start_processes

Batch = tuple[int, Images, dict[int, str]]

_TASK_BYTES = 8 << 20  # of pixels in one task: what travels between processes at once


class ImageSource(Protocol):
    """What is read from: any reader."""

    def payloads(self, samples: pa.Table) -> Iterator[bytes | Array]:
        """Yield the encoded image or the pixels of each row."""


def decoding_of(source: ImageSource) -> Decoding:
    """Return how the images of a source are decoded: as it says, or as any image."""
    decoding: Decoding = getattr(source, "decoding", PLAIN)
    return decoding


def read_images(
    reader: ImageSource,
    samples: pa.Table,
    crop: Crop,
    *,
    workers: int,
    batch: int = 256,
    say: Callable[[str], None] = SILENT.say,
) -> Iterator[Batch]:
    """Decode the images of `samples`; the answer does not depend on the number of workers.

    Parameters
    ----------
    reader
        Picklable, if there are workers: each opens its own files.
    samples
        Rows of the sample table; one with a `reason` is not read.
    crop
        What becomes of each image.
    workers
        Processes; 0 decodes in this one, as where it may not have others, or all are one batch, of which
        only one would decode.
    batch
        Images in a batch; fewer where they are large, so that a batch stays near 8 MB.
    say
        Told when a worker died and its batch is read again.

    Yields
    ------
    (position, images, reasons)
        Position of the first row in `samples`, uint8 (b, 3, size, size), and why an image cannot be
        decoded, by its position in `samples`. Rows that are not read or not decoded are zeros.

    Raises
    ------
    DataError
        The reader cannot read on, or a worker died at the same images twice.
    """
    step = max(1, min(batch, _TASK_BYTES // (3 * crop.size**2)))
    if workers == 0 or len(samples) <= step or not may_start_processes():
        return _read_here(reader, samples, crop, step)
    return _read_apart(reader, samples, crop, step, workers, say)


def _read_here(reader: ImageSource, samples: pa.Table, crop: Crop, step: int) -> Iterator[Batch]:
    """Decode block by block out of one stream, which a block of another process could not go on with."""
    sound = _sound(samples)
    stream = reader.payloads(samples.filter(sound))
    blocks = ((sound[start : start + step], start) for start in range(0, len(samples), step))
    return ThisProcess().each(_decode, (stream, crop, decoding_of(reader)), blocks)


def _decode(
    stream: Iterator[bytes | Array], crop: Crop, decoding: Decoding, sound: Array, start: int
) -> Batch:
    images = np.zeros((len(sound), 3, crop.size, crop.size), np.uint8)
    reasons: dict[int, str] = {}
    for place in np.flatnonzero(sound).tolist():
        try:
            images[place] = to_pixels(next(stream), crop, decoding)
        except UnreadableImageError as error:
            reasons[start + place] = str(error)
    return start, images, reasons


def _read_apart(
    reader: ImageSource, samples: pa.Table, crop: Crop, step: int, workers: int, say: Callable[[str], None]
) -> Iterator[Batch]:
    starts = range(0, len(samples), step)
    blocks = ((_pack(samples.slice(start, step)), start) for start in starts)
    try:
        yield from Processes(workers, say).each(_work, (reader, crop), blocks)
    except BlockLostError as error:
        start = starts[error.number]
        raise DataError(_died(samples["key"][start : start + step].to_pylist()), _DIED) from error


def _died(keys: list[str]) -> str:
    return (
        f"a worker process died while reading images, and the one that took over its work too: "
        f"between {keys[0]!r} and {keys[-1]!r}"
    )


_DIED = (
    'run again with --workers 0 (in a script of your own: call prune under `if __name__ == "__main__":`);'
    " if it dies again, memory is short"
)


def _pack(samples: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()  # a pickled slice would carry the whole table
    with pa.ipc.new_stream(sink, samples.schema) as out:
        out.write_table(samples)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _work(reader: ImageSource, crop: Crop, packed: bytes, start: int) -> Batch:
    samples = pa.ipc.open_stream(packed).read_all()
    sound = _sound(samples)
    stream = reader.payloads(samples.filter(sound))
    return _decode(stream, crop, decoding_of(reader), sound, start)


def _sound(samples: pa.Table) -> Array:
    return samples["reason"].is_null().to_numpy()
