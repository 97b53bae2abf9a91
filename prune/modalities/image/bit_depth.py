"""How many bits the pictures of a dataset use: 10 and 12 of the 16 that their files have room for."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from prune.modalities.image.decode_settings import DEEP, PLAIN, SHALLOW, UnreadableImageError
from prune.modalities.image.deep_colour import lower_bytes, prepare_deep
from prune.modalities.image.pillow_errors import BROKEN
from prune.modalities.image.png_texts import without_notes
from prune.modalities.image.sniff import suffix_of

_SIXTEEN = b"\x10"  # in the header of a PNG
_FAINT = 3  # bits below the brightest, where a picture looks black


def bits_used(data: bytes) -> int | None:
    """Return the bits of the brightest pixel of a picture of 16 bits a channel; None for any other picture.

    Cheap but for these, which are decoded: twice, if they are colours of eight bits or fewer.
    """
    suffix = suffix_of(data)
    if suffix not in {"png", "tiff"} or (suffix == "png" and data[24:25] != _SIXTEEN):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if suffix == "png":
                sound = without_notes(data)
                return _brightest(lambda: PngImageFile(io.BytesIO(sound)))
            return _brightest(lambda: TiffImageFile(io.BytesIO(data)))
        except (*BROKEN, UnreadableImageError):
            return None  # what is wrong with it is said when it is decoded


def _brightest(opened: Callable[[], ImageFile.ImageFile]) -> int | None:
    image = opened()
    grey = image.mode.startswith("I")
    if not (grey or prepare_deep(image)):
        return None
    PLAIN.check(*image.size)
    image.load()
    if grey:
        values = np.asarray(image)
        used = int(values.max()).bit_length()
        return used if values.min() >= 0 and used <= DEEP else None
    upper = _bits_of_colours(image)
    if upper:
        return SHALLOW + upper
    lower = lower_bytes(opened())
    return (lower and _bits_of_colours(lower)) or None


def _bits_of_colours(image: Image.Image) -> int:
    return max(int(np.asarray(band).max()).bit_length() for band in _colours(image))


def _colours(image: Image.Image) -> list[Image.Image]:
    bands = list(image.split())
    return bands[:-1] if image.mode in {"LA", "RGBA"} else bands


def bits_of(depths: Mapping[int, int]) -> int:
    """Return the bits that all deep pictures of a dataset are read with: those of the brightest."""
    return max(SHALLOW, *depths) if depths else DEEP


def remark(depths: Mapping[int, int]) -> str | None:
    """Say what becomes of deep pictures; None where there are none, or all use all bits."""
    bits, count = bits_of(depths), sum(depths.values())
    faint = sum(number for used, number in depths.items() if used <= bits - _FAINT)
    if not count or (bits == DEEP and not faint):
        return None
    one = f"{count:,} pictures of 16 bits use {bits}: {2**bits - 1:,} is white in all of them"
    if not faint:
        return one
    return f"{one}, so {faint:,} that use {bits - _FAINT} bits or fewer are nearly black: scale these first"
