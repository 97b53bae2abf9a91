"""Numbers of any kind as 8-bit tones, by one scale for pictures of one kind."""

from __future__ import annotations

import numpy as np
from PIL import Image

from prune.core.arrays import Array
from prune.modalities.image.decode_settings import DEEP, SHALLOW, UnreadableImageError


def to_bytes(values: Array, bits: int = DEEP) -> Array:
    """Return uint8 tones; `bits` says what is white in whole numbers that need more than eight of them.

    Raises
    ------
    UnreadableImageError
        A number is not finite.
    """
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if values.dtype == np.bool_:
        return values * np.uint8(255)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise UnreadableImageError("pixels are not finite")
    short = values.dtype.itemsize == 2 and values.dtype.kind == "u"
    scale, zero = _scale("u2" if short else values.dtype.kind, bits, low, high)
    scaled = (values.astype(np.float64) - zero) * scale
    # Whole numbers lose their low byte, as in every 16-bit reader; floats are rounded.
    return np.clip(scaled if values.dtype.kind in "iu" else np.rint(scaled), 0, 255).astype(np.uint8)


def _scale(kind: str, bits: int, low: float, high: float) -> tuple[float, float]:
    """Return (factor, zero) so that (value - zero) * factor lies in [0, 255]."""
    whole = 1 / 2 ** (bits - SHALLOW)
    if kind == "u2" or (bits < DEEP and kind in "iu" and low >= 0 and high < 2**bits):
        return whole, 0.0
    if low >= 0 and kind == "f" and high <= 1:
        return 255.0, 0.0
    if low >= 0 and high <= 255:
        return 1.0, 0.0
    if low >= 0 and kind in "iu" and high < 2**DEEP:
        return 1 / 256, 0.0
    return (255.0 / (high - low) if high > low else 0.0), low


def raised(upper: Image.Image, lower: Image.Image | None, bits: int) -> Image.Image:
    """Return a colour picture of 16 bits that uses `bits` of them as tones of eight, all of them used.

    Parameters
    ----------
    upper, lower
        The upper and the lower bytes of its channels; without the lower ones the tones are coarse.
    """
    if bits >= DEEP or upper.mode not in {"LA", "RGB", "RGBA"}:
        return upper
    values = np.asarray(upper).astype(np.uint16) << SHALLOW
    if lower is not None:
        values |= np.asarray(lower)
    tones = np.minimum(values >> (bits - SHALLOW), 255).astype(np.uint8)
    if upper.mode != "RGB" and values[..., -1].max() >= 2**bits:
        tones[..., -1] = np.asarray(upper)[..., -1]  # the opacity uses all bits
    return Image.fromarray(tones)
