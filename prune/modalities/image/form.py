"""An image in what is written: its file as it is, pixels as a PNG; in a table the bytes and a name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from prune.core.arrays import Array
from prune.modalities.form import PayloadForm
from prune.modalities.image.decode import decode
from prune.modalities.image.sniff import suffix_of


def _encoded(image: bytes | Array) -> bytes:
    return image if isinstance(image, bytes) else _png(image)


def _png(pixels: Array) -> bytes:
    sink = io.BytesIO()
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    exact = pixels.dtype == np.uint8 and (pixels.ndim == 2 or pixels.shape[2] in (3, 4))
    image = Image.fromarray(np.ascontiguousarray(pixels)) if exact else decode(pixels)
    image.save(sink, "PNG")
    return sink.getvalue()


def _cell(data: bytes, name: str) -> dict[str, Any]:
    return {"bytes": data, "path": name}


FORM = PayloadForm(
    encoded=_encoded,
    suffix_of=suffix_of,
    column="image",
    kind=pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())]),
    feature={"_type": "Image"},
    cell=_cell,
)
