from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from prune.modalities.image import Crop, Decoding, UnreadableImageError, decode, to_pixels
from prune.modalities.image.bit_depth import bits_of, bits_used, remark
from prune.modalities.image.decode_settings import PLAIN

RAMP = np.add.outer(np.arange(24), np.arange(24)) / 46


def encoded(image: Image.Image, form: str, **options) -> bytes:
    sink = io.BytesIO()
    image.save(sink, form, **options)
    return sink.getvalue()


def colours(top: int) -> bytes:
    """A PNG of 16 bits a channel in colour, which Pillow does not write."""
    pixels = np.repeat((RAMP * top).astype(">u2")[:, :, None], 3, 2)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 24, 24, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def grey(top: int, form: str = "PNG") -> bytes:
    return encoded(Image.fromarray((RAMP * top).astype(np.uint16)), form)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_the_bits_that_a_picture_uses_are_those_of_its_brightest_pixel(form, bits):
    assert bits_used(grey(2**bits - 1, form)) == bits
    assert bits_used(grey(2 ** (bits - 1), form)) == bits


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 16])
def test_so_are_those_of_colours(bits):
    assert bits_used(colours(2**bits - 1)) == bits


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "AVIF", "JPEG2000"])
def test_pictures_of_eight_bits_have_no_depth(form):
    assert bits_used(encoded(Image.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB"), form)) is None


def test_what_is_broken_has_no_depth():
    assert [bits_used(data) for data in (b"", grey(4095)[:80], grey(4095)[:26])] == [None] * 3


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("make", [grey, lambda top: grey(top, "TIFF"), colours])
def test_few_bits_are_spread_over_all_tones(make, bits):
    shown = np.asarray(decode(make(2**bits - 1), Decoding(bits=bits))).astype(float)
    full = np.asarray(decode(make(2**16 - 1))).astype(float)
    assert np.abs(shown - full).max() <= 1
    assert np.asarray(decode(make(2**bits - 1))).max() < 2 ** (bits - 8)


def test_an_array_of_few_bits_is_spread_too():
    pixels = (RAMP * 4095).astype(np.uint16)
    shown = np.asarray(decode(pixels, Decoding(bits=12)))
    np.testing.assert_array_equal(shown[:, :, 0], (pixels // 16).astype(np.uint8))


def test_a_netpbm_says_itself_what_is_white():
    data = b"P5\n24 24\n4095\n" + (RAMP * 4095).astype(">u2").tobytes()
    np.testing.assert_array_equal(np.asarray(decode(data, Decoding(bits=10))), np.asarray(decode(data)))
    assert np.asarray(decode(data)).max() == 255


def test_one_scale_for_all_is_that_of_the_brightest():
    assert bits_of({}) == 16
    assert bits_of({10: 3, 12: 1}) == 12
    assert bits_of({3: 1}) == 8
    assert remark({}) is None
    assert remark({16: 3, 15: 1}) is None
    assert remark({12: 3}) == "3 pictures of 16 bits use 12: 4,095 is white in all of them"
    assert "so 2 that use 13 bits or fewer are nearly black" in (remark({16: 3, 10: 2}) or "")


def test_only_what_differs_from_the_defaults_is_in_a_recipe():
    assert PLAIN.recipe == {}
    assert Decoding(bits=12).recipe == {"bits": 12}
    assert Decoding(max_pixels=50_000_000).recipe == {"max_pixels": 50_000_000}


@pytest.fixture(scope="module")
def photograph() -> bytes:
    return encoded(Image.new("RGB", (8064, 6048), (90, 120, 30)), "JPEG")


def test_a_large_photograph_is_read_at_a_fraction(photograph):
    assert to_pixels(photograph, Crop(32, 32)).mean((1, 2)).round() == pytest.approx([90, 120, 30], abs=2)


def test_a_large_picture_of_another_kind_is_read_if_the_user_says_so():
    data = encoded(Image.new("L", (8064, 6048), 90), "PNG", compress_level=1)
    with pytest.raises(UnreadableImageError, match="limit of 40 megapixels; --max-pixels 49 allows it$"):
        to_pixels(data, Crop(32, 32))
    assert to_pixels(data, Crop(32, 32), Decoding(max_pixels=49_000_000)).max() == 90


def test_a_photograph_is_not_read_at_a_fraction_of_any_size(photograph):
    at = photograph.index(b"\xff\xc0") + 5
    vast = photograph[:at] + struct.pack(">HH", 40_000, 40_000) + photograph[at + 4 :]
    with pytest.raises(UnreadableImageError, match="40000x40000 pixels is over the limit of 40 megapixels"):
        to_pixels(vast, Crop(32, 32))


def test_a_picture_with_long_texts_is_sound():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", "x" * 2_000_000, zip=True)
    texts.add_itxt("workflow", "y" * 2_000_000, zip=True)
    plain = Image.fromarray((RAMP * 255).astype(np.uint8))
    data = encoded(plain, "PNG", pnginfo=texts)
    np.testing.assert_array_equal(np.asarray(decode(data).convert("L")), np.asarray(plain))


def test_a_text_that_says_how_a_picture_is_turned_still_counts():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("note", "n")
    texts.add_itxt("XML:com.adobe.xmp", '<rdf tiff:Orientation="6"/>')
    pixels = (RAMP * 255).astype(np.uint8)[:12]
    data = encoded(Image.fromarray(pixels), "PNG", pnginfo=texts)
    assert decode(data).size == (12, 24)


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000"])
def test_newer_formats_are_read(form):
    pixels = np.repeat((RAMP * 255).astype(np.uint8)[:, :, None], 3, 2)
    shown = np.asarray(decode(encoded(Image.fromarray(pixels), form)))
    assert np.abs(shown.astype(int) - pixels).mean() < 5
