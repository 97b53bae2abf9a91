"""What encoders of images have in common: images are cropped, scaled and gathered into batches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from prune.encoders.encode import EncoderBatch
from prune.modalities.image import Crop, read_images
from prune.modalities.image.batches import ImageSource


class ImageEncoder:
    """An encoder whose `encode` wants uint8 images (b, 3, s, s)."""

    crop: Crop  # what becomes of an image before it is encoded
    batch: int

    def batches(
        self, source: ImageSource, samples: pa.Table, *, workers: int, say: Callable[[str], None]
    ) -> Iterator[EncoderBatch]:
        """Gather what the reader yields into batches of one size; the last is filled up with zeros."""
        shape = (self.batch, 3, self.crop.size, self.crop.size)
        images, count = np.zeros(shape, np.uint8), 0
        reasons: dict[int, str] = {}
        stream = read_images(source, samples, self.crop, workers=workers, batch=self.batch, say=say)
        with contextlib.closing(stream):  # type: ignore[type-var]
            for _, block, unreadable in stream:
                reasons |= unreadable
                while len(block):
                    taken = min(len(block), self.batch - count)
                    images[count : count + taken] = block[:taken]
                    block, count = block[taken:], count + taken
                    if count == self.batch:
                        yield EncoderBatch(images, count, reasons)
                        images, count, reasons = np.zeros(shape, np.uint8), 0, {}
        if count or reasons:
            yield EncoderBatch(images, count, reasons)
