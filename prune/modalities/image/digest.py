"""The digest of an image: of its encoded bytes, or of its pixels as they lie in the file of an array."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from prune.core.arrays import Array
from prune.core.content import content_digest


def image_digests(image: bytes | Array) -> Collection[bytes]:
    """Return the digests of an image; of pixels (h, w) or (h, w, c) two, as the channels may come first."""
    if isinstance(image, bytes):
        return (content_digest(image),)
    channels_first = np.moveaxis(image, 2, 0) if image.ndim == 3 else image
    return content_digest(image.tobytes()), content_digest(channels_first.tobytes())
