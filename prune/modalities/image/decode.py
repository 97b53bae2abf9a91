"""Any image as upright 8-bit RGB: every mode, depth and orientation, and one error for all that is broken.

What is done to what is not 8-bit RGB:

- grey, 1-bit, palette, CMYK, YCbCr: converted; colour profiles are not applied
- transparent pixels, also of a palette or a colour key: laid over white
- 16 bits a channel, grey or colour: divided by 256; by 16 where the pictures of the dataset use 12 bits …
- other whole numbers: as they are in [0, 255], as 16 bits in [0, 65535], else smallest to largest
- floats: times 255 if within [0, 1], as they are if within [0, 255], else smallest to largest
- several frames: the first one
- EXIF orientation: applied
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from prune.core.arrays import Array, Images
from prune.core.safe_text import one_line
from prune.modalities.image.decode_settings import DEEP, PLAIN, Decoding, UnreadableImageError
from prune.modalities.image.deep_colour import lower_bytes, prepare_deep
from prune.modalities.image.jpeg_bombs import jpeg_excess
from prune.modalities.image.pillow_errors import BROKEN
from prune.modalities.image.png_texts import without_notes
from prune.modalities.image.sniff import suffix_of
from prune.modalities.image.tones import raised, to_bytes

# By class and not by `Image.open`, whose own limit on pixels is one setting for the whole process.
_KINDS: dict[str, type[ImageFile.ImageFile]] = {
    "jpg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "bmp": BmpImageFile,
    "tiff": TiffImageFile,
    "ppm": PpmImageFile,
    "avif": AvifImageFile,
    "jp2": Jpeg2KImageFile,
    "j2k": Jpeg2KImageFile,
}
logging.getLogger("PIL").addHandler(logging.NullHandler())  # data must not write to the terminal
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
    "nearest": Image.Resampling.NEAREST,
}
_DRAFT = 2  # a JPEG is decoded at a fraction of its size if that is still this many times the target


@dataclass(frozen=True)
class Crop:
    """What a network sees: the shorter side brought to `resize` pixels, then the middle `size` of both."""

    resize: int
    size: int
    interpolation: str = "bilinear"  # one of `INTERPOLATIONS`
    squash: bool = False  # both sides are brought to `resize`, whatever becomes of the proportions

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation {self.interpolation!r} is none of {', '.join(INTERPOLATIONS)}")
        if not 1 <= self.size <= self.resize:
            raise ValueError(f"crop of {self.size} from {self.resize} pixels, want 1 <= size <= resize")


def decode(data: bytes | Array, decoding: Decoding = PLAIN) -> Image.Image:
    """Return an upright RGB image.

    Parameters
    ----------
    data
        A JPEG, PNG, WebP, GIF, BMP, TIFF, netpbm, AVIF or JPEG 2000 file, or pixels (h, w), (h, w, 1),
        (h, w, 3) or (h, w, 4).

    Raises
    ------
    UnreadableImageError
        It is empty, broken, cut short, of another kind, made to waste time, or too large.
    """
    return _from_file(data, 0, decoding) if isinstance(data, bytes) else _from_array(data, decoding)


def to_pixels(data: bytes | Array, crop: Crop, decoding: Decoding = PLAIN) -> Images:
    """Decode, resize with antialiasing and cut the middle out; time is dominated by the decoding.

    An image that is exactly `crop.resize` wide and high is not resampled.

    Returns
    -------
    (3, size, size)
        RGB, uint8.

    Raises
    ------
    UnreadableImageError
        As `decode`.
    """
    if isinstance(data, bytes):
        image = _from_file(data, crop.resize, decoding)
    else:
        image = _from_array(data, decoding)
    return np.ascontiguousarray(np.asarray(_cut(image, crop)).transpose(2, 0, 1))


def _cut(image: Image.Image, crop: Crop) -> Image.Image:
    width, height = image.size
    if width == height == crop.size == crop.resize:
        return image
    shorter = min(width, height)
    wide, high = width * crop.resize // shorter, height * crop.resize // shorter
    if crop.squash:
        wide = high = crop.resize
    left, top = (wide - crop.size) // 2, (high - crop.size) // 2
    # Only the box is computed: a strip of 1 x 65,535 pixels never becomes a resized strip.
    across, down = width / wide, height / high
    box = (left * across, top * down, (left + crop.size) * across, (top + crop.size) * down)
    how = INTERPOLATIONS[crop.interpolation]
    return image.resize((crop.size, crop.size), how, box, reducing_gap=3.0)


def dimensions(data: bytes | Array) -> tuple[int, int] | None:
    """Return the width and height of an image once it is upright, by its header alone; None of a broken one.

    Nothing is decoded, so that it costs microseconds, and an image may be larger than one that is decoded.
    """
    if not isinstance(data, bytes):
        return (int(data.shape[1]), int(data.shape[0])) if data.ndim in (2, 3) else None
    kind = _KINDS.get(suffix_of(data) or "")
    if kind is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = kind(io.BytesIO(data))
            width, height = image.size
            turned = _orientation(image) in _ON_THEIR_SIDE
        except BROKEN:
            return None
    return (height, width) if turned else (width, height)


_ON_THEIR_SIDE = frozenset(range(5, 9))  # orientations of EXIF that swap width and height


def _from_file(data: bytes, target: int, decoding: Decoding) -> Image.Image:
    if not data:
        raise UnreadableImageError("the image is empty (0 bytes)")
    suffix = suffix_of(data)
    if suffix not in _KINDS:
        raise UnreadableImageError("not a JPEG, PNG, WebP, GIF, BMP, TIFF, PPM, AVIF or JPEG 2000 image")
    excess = jpeg_excess(data) if suffix == "jpg" else None
    if excess:
        raise UnreadableImageError(f"the JPEG is made to waste time: {excess}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nor so
        try:
            sound = without_notes(data) if suffix == "png" else data
            return _open(lambda: _KINDS[suffix](io.BytesIO(sound)), suffix, target, decoding)
        except UnreadableImageError:
            raise
        except BROKEN as error:
            raise UnreadableImageError(f"broken {suffix}: {one_line(error, 120)}") from error


def _open(
    opened: Callable[[], ImageFile.ImageFile], suffix: str, target: int, decoding: Decoding
) -> Image.Image:
    image = opened()
    if target and min(image.size) >= 2 * _DRAFT * target:
        whole = image.size
        image.draft(None, (_DRAFT * target, _DRAFT * target))
        if image.size != whole:
            decoding.check_jpeg(*whole, passes="progressive" in image.info)
    decoding.check(*image.size)
    deep = prepare_deep(image)
    image.load()
    turn = _TURNS.get(_orientation(image))
    # The numbers of a netpbm fill 16 bits already, whatever its file says is white.
    bits = DEEP if suffix == "ppm" else decoding.bits
    lower = lower_bytes(opened()) if deep and bits < DEEP else None
    rgb = _to_rgb(raised(image, lower, bits) if deep else image, bits)
    return rgb if turn is None else rgb.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except BROKEN:
        return 0  # the pixels are sound; only the note beside them is not
    return orientation if isinstance(orientation, int) else 0


def _to_rgb(image: Image.Image, bits: int = DEEP) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode[0] in "IF":
        return Image.fromarray(to_bytes(np.asarray(image), bits)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _from_array(pixels: Array, decoding: Decoding) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise UnreadableImageError(f"pixels of shape {pixels.shape}, want (h, w), (h, w, 3) or (h, w, 4)")
    if pixels.dtype.kind not in "buif":
        raise UnreadableImageError(f"pixels of type {pixels.dtype}, want whole numbers or floats")
    if not pixels.size:
        raise UnreadableImageError(f"no pixels: the shape is {pixels.shape}")
    decoding.check(pixels.shape[1], pixels.shape[0])
    return _to_rgb(Image.fromarray(to_bytes(pixels, decoding.bits)))
