"""A picture of an image that is small enough for a page."""

from __future__ import annotations

import base64
import io

from PIL import Image

from prune.core.arrays import Array
from prune.modalities.image.decode import decode
from prune.modalities.image.decode_settings import Decoding
from prune.modalities.look import Look

_SIDE = 144  # pixels of a picture: two for one on the screen of a phone
_PLAIN = 64  # pixels: up to this, every one of them is kept, and shown as a square
_MOST_BYTES = 24_000  # of one picture: two hundred of them stay under 7 MB as text
_QUALITIES = (82, 60, 35, 10)


def image_look(image: bytes | Array, decoding: Decoding) -> Look:
    """Return what is to be seen of encoded bytes, or of pixels (h, w) or (h, w, c).

    Raises
    ------
    UnreadableImageError
        The bytes are no image, or a larger one than is read.
    """
    return thumbnail(decode(image, decoding))


def thumbnail(image: Image.Image) -> Look:
    """Return a picture small enough for the page: few pixels as they are, more of them shrunk."""
    plain = max(image.size) <= _PLAIN
    if not plain:
        image = _shrunk(image)
    kind, data = ("png", _png(image)) if plain else ("jpeg", _jpeg(image))
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Look(uri=uri, width=image.width, height=image.height, plain=plain)


def _shrunk(image: Image.Image) -> Image.Image:
    scale = _SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(image: Image.Image) -> bytes:
    """Return it as good as fits: noise takes more bytes than a photograph."""
    data = b""
    for quality in _QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) <= _MOST_BYTES:
            break
    return data
