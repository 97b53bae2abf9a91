"""Pixels as embeddings: an image of 8 by 8, no network; the baseline of every encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Embeddings, Images
from prune.encoders.image_encoder import ImageEncoder
from prune.modalities.image import Crop

SIZE = 8  # pixels a side, so 192 dimensions: enough for layout and colour


class Pixels(ImageEncoder):
    """The encoder that looks at an image from very far away."""

    name = "pixels"
    crop = Crop(SIZE, SIZE)
    batch = 256

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on."""
        return {
            "encoder": self.name,
            "resize": self.crop.resize,
            "crop": self.crop.size,
            "batch": self.batch,
            "precision": "float32",
            "version": 1,
        }

    def encode(self, images: Images) -> Embeddings:
        """Scale (b, 3, 8, 8) pixels to [−1, 1], float32 (b, 192)."""
        return images.reshape(len(images), -1).astype(np.float32) / np.float32(127.5) - 1


def pixels() -> Pixels:
    """Pixels of the image at 8 by 8, scaled to [−1, 1]; needs no network and no weights.

    Returns
    -------
    Encoder
        Of 192 dimensions: red, then green, then blue, each row by row.
    """
    return Pixels()
