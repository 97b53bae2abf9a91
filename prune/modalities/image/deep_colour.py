"""Colours of 16 bits a channel: Pillow keeps the upper byte of each, and a second look has the lower one.

Pillow unpacks such a picture byte by byte, in the order of its file; in the other order it keeps the others.
"""

from __future__ import annotations

import sys
from typing import Any, TypeAlias

from PIL import Image, ImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PLANAR_CONFIGURATION, TiffImageFile

_PLANES = 2  # of a TIFF: each channel lies in a place of its own
_OTHER = {
    "B": "L",
    "L": "B",
    "N": "B" if sys.byteorder == "little" else "L",
}  # byte orders, and the other one
_Args: TypeAlias = tuple[Any, ...] | str | None
_GREY = "LA;16B"  # grey with an opacity, which is read as colour


def prepare_deep(image: ImageFile.ImageFile) -> bool:
    """Whether an image that is not read yet has colours of 16 bits, of which Pillow keeps eight.

    Planes of 16 bits that lie apart are marked as such: Pillow would take them for planes of eight.
    """
    if _lie_apart(image) and all(tile.codec_name == "raw" for tile in image.tile):
        order = "L" if image.tag_v2.prefix == b"II" else "B"  # type: ignore[attr-defined]
        image.tile = [tile._replace(args=_marked(tile.args, order)) for tile in image.tile]
    return not image.mode.startswith("I") and any(";16" in str(tile.args) for tile in image.tile)


def lower_bytes(again: ImageFile.ImageFile) -> Image.Image | None:
    """Return the lower bytes of a deep image, opened again, as an image of the same mode.

    None where they cannot be had: of compressed planes that lie apart.
    """
    if not prepare_deep(again) or (_lie_apart(again) and again.tile[0].codec_name != "raw"):
        return None
    grey = str(again.tile[0].args) == _GREY
    again.tile = [tile._replace(args="RGBA" if grey else _swapped(tile.args)) for tile in again.tile]
    again.load()
    if not grey:
        return again
    _, tone, _, opacity = again.split()  # the upper and the lower byte of both
    return Image.merge("RGBA", (tone, tone, tone, opacity))


def _marked(args: _Args, order: str) -> _Args:
    """Return the arguments of a decoder of one plane as those of a plane of 16 bits."""
    if not isinstance(args, tuple) or len(args[0]) != 1:
        return args
    return (f"{args[0]};16{order}", *args[1:])


def _swapped(args: _Args) -> _Args:
    """Return the arguments of a decoder with the other order of bytes."""
    if isinstance(args, tuple):
        return (_swapped(args[0]), *args[1:])
    return args and args[:-1] + _OTHER[args[-1]]


def _lie_apart(image: ImageFile.ImageFile) -> bool:
    if not isinstance(image, TiffImageFile):
        return False
    bits = image.tag_v2.get(BITSPERSAMPLE) or (0,)
    return image.tag_v2.get(PLANAR_CONFIGURATION) == _PLANES and len(bits) > 1 and set(bits) == {16}
