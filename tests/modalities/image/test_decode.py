"""Every mode becomes the RGB it shows, and every broken file one error."""

import hashlib
import io
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from prune.modalities.image import Crop, UnreadableImageError, decode, to_pixels

WIDE, HIGH = 24, 16


def drawn() -> np.ndarray:
    """A slope in each channel and one red box: no two turns of it look alike."""
    y, x = np.mgrid[:HIGH, :WIDE]
    pixels = np.stack([x * 10, y * 15, 255 - x * 5 - y * 5], -1).astype(np.uint8)
    pixels[3:8, 3:11] = (200, 30, 30)
    return pixels


RGB = drawn()
IMAGE = Image.fromarray(RGB)
GREY = np.asarray(IMAGE.convert("L"))
GREY_RGB = np.repeat(GREY[:, :, None], 3, 2)
ALPHA = np.tile(np.linspace(0, 255, WIDE).astype(np.uint8), (HIGH, 1))
OVER_WHITE = RGB * (ALPHA[:, :, None] / 255) + 255 * (1 - ALPHA[:, :, None] / 255)
GREY_OVER_WHITE = GREY_RGB * (ALPHA[:, :, None] / 255) + 255 * (1 - ALPHA[:, :, None] / 255)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def shown(data) -> np.ndarray:
    image = decode(data)
    assert image.mode == "RGB"
    return np.asarray(image)


def png_of(kind: int, depth: int, rows: bytes, extra: bytes = b"") -> bytes:
    """A PNG by hand: 2 x 1 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, depth, kind, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" + rows))
    return b"\x89PNG\r\n\x1a\n" + head + extra + body + chunk(b"IEND", b"")


def rgba() -> Image.Image:
    return Image.fromarray(np.dstack([RGB, ALPHA]))


def grey_alpha() -> Image.Image:
    return Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)])


def palette() -> Image.Image:
    image = Image.fromarray((np.arange(HIGH * WIDE).reshape(HIGH, WIDE) % 3).astype(np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    return image


THREE = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)[np.arange(HIGH * WIDE) % 3].reshape(
    RGB.shape
)
GREEN_IS_WHITE = np.where((THREE == (0, 255, 0)).all(-1, keepdims=True), 255, THREE)
ONE_BIT = np.repeat(np.where(GREY > 127, 255, 0).astype(np.uint8)[:, :, None], 3, 2)

EXACT = {
    "rgb png": (encoded(IMAGE, "PNG"), RGB),
    "rgb bmp": (encoded(IMAGE, "BMP"), RGB),
    "rgb ppm": (encoded(IMAGE, "PPM"), RGB),
    "rgb tiff": (encoded(IMAGE, "TIFF", compression="tiff_lzw"), RGB),
    "rgb webp": (encoded(IMAGE, "WEBP", lossless=True), RGB),
    "grey png": (encoded(Image.fromarray(GREY), "PNG"), GREY_RGB),
    "grey pgm": (encoded(Image.fromarray(GREY), "PPM"), GREY_RGB),
    "1-bit png": (encoded(Image.fromarray(GREY > 127), "PNG"), ONE_BIT),
    "palette png": (encoded(palette(), "PNG"), THREE),
    "palette gif": (encoded(palette(), "GIF"), THREE),
    "palette png, one colour transparent": (encoded(palette(), "PNG", transparency=1), GREEN_IS_WHITE),
    "palette gif, one colour transparent": (encoded(palette(), "GIF", transparency=1), GREEN_IS_WHITE),
    "16-bit grey png": (encoded(Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"), GREY_RGB),
    "16-bit grey tiff": (encoded(Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF"), GREY_RGB),
    "16-bit grey pgm": (encoded(Image.fromarray(GREY.astype(np.uint16) * 257), "PPM"), GREY_RGB),
    "32-bit tiff of 16 bits": (encoded(Image.fromarray(GREY.astype(np.int32) * 257), "TIFF"), GREY_RGB),
    "32-bit tiff of 8 bits": (encoded(Image.fromarray(GREY.astype(np.int32)), "TIFF"), GREY_RGB),
    "float tiff in [0, 1]": (encoded(Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"), GREY_RGB),
    "float tiff in [0, 255]": (encoded(Image.fromarray(GREY.astype(np.float32)), "TIFF"), GREY_RGB),
    "16-bit rgb png": (
        png_of(2, 16, bytes([1, 99, 2, 99, 3, 99, 4, 99, 5, 99, 6, 99])),
        [[[1, 2, 3], [4, 5, 6]]],
    ),
    "rgb png with a colour key": (
        png_of(
            2,
            8,
            bytes([1, 2, 3, 4, 5, 6]),
            b"\0\0\0\6tRNS\0\4\0\5\0\6" + struct.pack(">I", zlib.crc32(b"tRNS\0\4\0\5\0\6")),
        ),
        [[[1, 2, 3], [255, 255, 255]]],
    ),
}
CLOSE = {
    "rgba png": (encoded(rgba(), "PNG"), OVER_WHITE, 0.6),
    "rgba webp": (encoded(rgba(), "WEBP", lossless=True, exact=True), OVER_WHITE, 0.6),
    "grey and alpha png": (encoded(grey_alpha(), "PNG"), GREY_OVER_WHITE, 0.6),
    "rgb jpeg": (encoded(IMAGE, "JPEG", quality=95, subsampling=0), RGB, 4),
    "progressive jpeg": (encoded(IMAGE, "JPEG", quality=95, subsampling=0, progressive=True), RGB, 4),
    "grey jpeg": (encoded(Image.fromarray(GREY), "JPEG", quality=95), GREY_RGB, 2),
    "cmyk jpeg": (encoded(IMAGE.convert("CMYK"), "JPEG", quality=95), RGB, 4),
    "cmyk tiff": (encoded(IMAGE.convert("CMYK"), "TIFF"), RGB, 1),
}


@pytest.mark.parametrize("name", EXACT)
def test_lossless_modes_are_the_pixels_that_were_drawn(name):
    data, expected = EXACT[name]
    np.testing.assert_array_equal(shown(data), expected)


@pytest.mark.parametrize("name", CLOSE)
def test_blended_and_lossy_modes_are_near_what_was_drawn(name):
    data, expected, tolerance = CLOSE[name]
    assert np.abs(shown(data) - np.asarray(expected, float)).mean() < tolerance


GOLDEN = {
    "rgb png": "8f03690cbe4f390d",
    "rgb bmp": "8f03690cbe4f390d",
    "rgb ppm": "8f03690cbe4f390d",
    "rgb tiff": "8f03690cbe4f390d",
    "rgb webp": "8f03690cbe4f390d",
    "grey png": "a108c0471ee5ae4d",
    "grey pgm": "a108c0471ee5ae4d",
    "1-bit png": "5974a33837ad4e34",
    "palette png": "e43c49d02ca2b09b",
    "palette gif": "e43c49d02ca2b09b",
    "palette png, one colour transparent": "91aad52fae9a2e0d",
    "palette gif, one colour transparent": "91aad52fae9a2e0d",
    "16-bit grey png": "a108c0471ee5ae4d",
    "16-bit grey tiff": "a108c0471ee5ae4d",
    "16-bit grey pgm": "a108c0471ee5ae4d",
    "32-bit tiff of 16 bits": "a108c0471ee5ae4d",
    "32-bit tiff of 8 bits": "a108c0471ee5ae4d",
    "float tiff in [0, 1]": "a108c0471ee5ae4d",
    "float tiff in [0, 255]": "a108c0471ee5ae4d",
    "16-bit rgb png": "2d00e408e3b308e1",
    "rgb png with a colour key": "2536b69ece7e7f2b",
    "rgba png": "c24d42119a9a9176",
    "rgba webp": "c24d42119a9a9176",
    "grey and alpha png": "c4c3fe2d9f1bd2aa",
    "cmyk tiff": "8f03690cbe4f390d",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_pixels_never_change_between_versions(name):
    data = EXACT[name][0] if name in EXACT else CLOSE[name][0]
    assert hashlib.sha256(to_pixels(data, Crop(12, 10)).tobytes()).hexdigest()[:16] == GOLDEN[name]


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(form, orientation):
    stored = {  # how a camera held that way stores the upright picture
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: RGB.transpose(1, 0, 2),
        6: np.rot90(RGB, 1),
        7: RGB[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(RGB, -1),
    }[orientation]
    lossless = {"lossless": True} if form == "WEBP" else {}
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=turned(orientation), **lossless)
    np.testing.assert_array_equal(shown(data), RGB)


def test_a_jpeg_from_a_turned_camera_stands_upright():
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(RGB, 1)))
    data = encoded(stored, "JPEG", quality=95, subsampling=0, exif=turned(6))
    assert np.abs(shown(data) - RGB.astype(float)).mean() < 4


def test_torn_exif_is_ignored_where_the_pixels_are_sound():
    data = encoded(IMAGE, "PNG", exif=b"Exif\0\0nonsense")
    np.testing.assert_array_equal(shown(data), RGB)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_several_frames_the_first_counts(form):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(shown(data), np.asarray(frames[0]))


def test_sixteen_bits_are_not_clipped_to_white():
    dark = np.full((4, 4), 300, np.uint16)
    assert shown(encoded(Image.fromarray(dark), "PNG")).max() == 1


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (RGB, RGB),
        (GREY, GREY_RGB),
        (GREY[:, :, None], GREY_RGB),
        (GREY > 127, ONE_BIT),
        (RGB.astype(np.uint16) * 257, RGB),
        (RGB.astype(np.float32) / 255, RGB),
        (RGB.astype(np.float64), RGB),
        (RGB.astype(np.int64), RGB),
        (np.dstack([RGB, np.full_like(GREY, 255)]), RGB),
        (np.array([[-2.0, 0.0, 2.0]]), [[[0] * 3, [128] * 3, [255] * 3]]),
        (np.array([[0, 50_000_000, 100_000_000]]), [[[0] * 3, [127] * 3, [255] * 3]]),
        (np.full((2, 2), -7.0), np.zeros((2, 2, 3))),
    ],
)
def test_pixels_in_arrays_follow_the_same_rules(pixels, expected):
    np.testing.assert_array_equal(shown(pixels), expected)


def test_an_array_with_alpha_lies_over_white():
    assert np.abs(shown(np.dstack([RGB, ALPHA])) - OVER_WHITE).mean() < 0.6


def test_an_array_is_not_written_to():
    pixels = RGB.copy()
    pixels.flags.writeable = False
    to_pixels(pixels, Crop(16, 16))
    np.testing.assert_array_equal(pixels, RGB)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((2, 2, 5)), "of shape"),
        (np.zeros(4), "of shape"),
        (np.zeros((0, 4)), "no pixels"),
        (np.array([["a"]]), "of type"),
        (np.array([[np.nan, 1.0]]), "not finite"),
        (np.array([[np.inf, 1.0]]), "not finite"),
        (
            np.broadcast_to(np.uint8(0), (40_000, 40_000)),
            "40000x40000 pixels is over the limit of 40 megapixels",
        ),
    ],
)
def test_an_array_that_is_no_image_is_refused(pixels, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        decode(pixels)


def test_an_image_of_the_very_size_is_untouched():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG")
    np.testing.assert_array_equal(to_pixels(data, Crop(32, 32)), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (33, 32), (7, 90), (300, 200)])
def test_the_crop_is_the_middle_of_the_resized_image(size):
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(pixels)
    shorter = min(size)
    wide, high = size[0] * 40 // shorter, size[1] * 40 // shorter
    left, top = (wide - 32) // 2, (high - 32) // 2
    whole = image.resize((wide, high), Image.Resampling.BILINEAR).crop((left, top, left + 32, top + 32))
    found = to_pixels(pixels, Crop(40, 32)).transpose(1, 2, 0).astype(int)
    assert np.abs(found - np.asarray(whole, int)).max() <= 3


def test_a_large_jpeg_read_at_a_fraction_looks_the_same():
    y, x = np.mgrid[:600, :800]
    pixels = np.stack([x // 4, y // 3, (x + y) // 6], -1).astype(np.uint8)
    data = encoded(Image.fromarray(pixels), "JPEG", quality=95)
    difference = to_pixels(data, Crop(32, 32)).astype(int) - to_pixels(pixels, Crop(32, 32)).astype(int)
    assert np.abs(difference).mean() < 1.5


def test_a_strip_is_not_blown_up():
    assert to_pixels(np.zeros((1, 65_535), np.uint8), Crop(256, 224)).shape == (3, 224, 224)


@pytest.mark.parametrize(("resize", "size"), [(8, 9), (0, 0), (4, -1)])
def test_a_crop_that_cannot_be_is_refused(resize, size):
    with pytest.raises(ValueError, match="1 <= size <= resize"):
        Crop(resize, size)


def test_a_bomb_is_refused_by_its_header():
    data = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", 40_000, 40_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(UnreadableImageError, match="^40000x40000 pixels is over the limit of 40 megapixels$"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the image is empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "not a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a JPEG"),
        (b"\xff\xd8\xff", "broken jpg"),
        (b"GIF89a", "broken gif"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(data, reason):
    with pytest.raises(UnreadableImageError, match=reason):
        decode(data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(form, kept):
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8))
    data = encoded(noise, form)
    with pytest.raises(UnreadableImageError, match="broken|not a"):
        decode(data[: int(len(data) * kept)])


def test_damage_of_any_kind_is_an_image_or_our_error():
    rng = np.random.default_rng(3)
    whole = [data for data, *_ in [*EXACT.values(), *CLOSE.values()]]
    reasons = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(3000):
            data = bytearray(whole[step % len(whole)])
            for place in rng.integers(0, len(data), rng.integers(1, 4)):
                data[place] = rng.integers(256)
            try:
                pixels = to_pixels(bytes(data[: None if step % 3 else rng.integers(len(data))]), Crop(8, 8))
            except UnreadableImageError as error:
                reasons.append(str(error))
            else:
                assert pixels.shape == (3, 8, 8)
    assert len(reasons) > 500
    assert max(map(len, reasons)) < 200


_SHORT_OF_MEMORY = """
import io, resource
from PIL import Image
from prune.modalities.image import decode
file = io.BytesIO()
Image.new("RGB", (6000, 6000)).save(file, "PNG", compress_level=1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (20 << 20), resource.RLIM_INFINITY))
try:
    decode(file.getvalue())
except MemoryError:
    print("memory is short")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_lack_of_memory_is_not_taken_for_a_broken_image():
    command = [sys.executable, "-c", _SHORT_OF_MEMORY]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out == "memory is short\n"
