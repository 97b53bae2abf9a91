"""Images as they were when they were scanned: one that changes during a long run does not pass unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from prune.core.arrays import Array
from prune.core.errors import StoreError
from prune.modalities.image.decode_settings import PLAIN, Decoding
from prune.readers.sample import Reader, image_digest

_TAKE = 4096  # keys and digests held at once


@dataclass(frozen=True)
class Scanned:
    """A reader that compares every image with its digest in the sample table."""

    reader: Reader
    decoding: Decoding = PLAIN  # of all of them

    def images(self, samples: pa.Table) -> Iterator[bytes | Array]:
        """Yield the encoded image or the pixels of each row.

        Raises
        ------
        StoreError
            An image is not the one that was scanned.
        """
        for (key, digest), image in zip(_digests(samples), self.reader.images(samples), strict=True):
            if digest is not None and not _is(image, digest):
                raise StoreError(
                    f"stale: {key} changed while it was read",
                    "run the command again when the data is at rest",
                )
            yield image


def _digests(samples: pa.Table) -> Iterator[tuple[str, bytes | None]]:
    for part in samples.select(["key", "digest"]).to_batches(max_chunksize=_TAKE):
        yield from zip(part["key"].to_pylist(), part["digest"].to_pylist(), strict=True)


def _is(image: bytes | Array, digest: bytes) -> bool:
    if isinstance(image, bytes):
        return image_digest(image) == digest
    channels_first = np.moveaxis(image, 2, 0) if image.ndim == 3 else image  # as it may lie in the file
    return digest in (image_digest(image.tobytes()), image_digest(channels_first.tobytes()))
