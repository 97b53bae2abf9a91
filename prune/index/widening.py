"""Embeddings in float32, as all products are computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from prune.core.arrays import Embeddings


def widened(embeddings: Embeddings) -> npt.NDArray[np.float32]:
    """Return the same numbers in float32: a view where they are, else a new array."""
    if embeddings.dtype == np.float32:
        return embeddings.view()
    from prune.index.row_kernels import widen

    wide = np.empty(embeddings.shape, np.float32)
    widen(np.ascontiguousarray(embeddings).view(np.uint16).ravel(), wide.view(np.int32).ravel())
    wide *= np.float32(2.0**112)  # float32's exponent counts from 127, float16's from 15
    return wide
