"""Pictures of 16 bits a channel in colour: what their files hold, to the last bit."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from prune.modalities.image import Crop, Decoding, decode, to_pixels
from prune.modalities.image.bit_depth import bits_used

KIND = {2: 4, 3: 2, 4: 6}  # channels -> the colour type of a PNG
SIDE = (7, 9)


def pixels(top: int, channels: int = 3) -> np.ndarray:
    """Numbers up to `top`, which is among them; an opacity that is full in all `top` has."""
    found = np.random.default_rng(top).integers(0, top + 1, (*SIDE, channels)).astype(np.uint16)
    found[0, 0] = top
    if channels in {2, 4}:
        found[..., -1] = top
    return found


def png(values: np.ndarray) -> bytes:
    """A PNG in which each row is the difference to the one above."""
    high, wide, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(high, -1)
    above = np.vstack([rows[:1] * 0, rows[:-1]])
    held = zlib.compress(b"".join(b"\2" + row.tobytes() for row in rows - above))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", wide, high, 16, KIND[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", held) + chunk(b"IEND", b"")


def tiff(values: np.ndarray, order: str = "<", *, packed: bool = False, apart: bool = False) -> bytes:
    """A TIFF of one strip, or of one for each channel where they lie apart."""
    high, wide, channels = values.shape
    strips = [v.astype(f"{order}u2").tobytes() for v in (values.transpose(2, 0, 1) if apart else [values])]
    strips = [zlib.compress(strip) if packed else strip for strip in strips]
    tags: list[tuple[int, str, list[int]]] = [
        (256, "I", [wide]),
        (257, "I", [high]),
        (258, "H", [16] * channels),
        (259, "H", [8 if packed else 1]),
        (262, "H", [2]),
        (273, "I", [0] * len(strips)),
        (277, "H", [channels]),
        (278, "I", [high]),
        (279, "I", [len(strip) for strip in strips]),
        (284, "H", [2 if apart else 1]),
        *([(338, "H", [2])] if channels == 4 else []),
    ]
    sizes = [struct.calcsize(kind) * len(held) for _, kind, held in tags]
    behind = 8 + 2 + 12 * len(tags) + 4
    at = behind + sum(size for size in sizes if size > 4)
    entries, more = b"", b""
    for number, kind, held in tags:
        if number == 273:
            held = [at + sum(map(len, strips[:place])) for place in range(len(strips))]
        data = struct.pack(f"{order}{len(held)}{kind}", *held)
        if len(data) > 4:
            data, more = struct.pack(f"{order}I", behind + len(more)), more + data
        entries += struct.pack(f"{order}HHI", number, {"H": 3, "I": 4}[kind], len(held)) + data.ljust(
            4, b"\0"
        )
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + bytes(4) + more + b"".join(strips)


FORMS = {
    "png": png,
    "tiff": tiff,
    "tiff, the other order": lambda v: tiff(v, ">"),
    "tiff, packed": lambda v: tiff(v, packed=True),
    "tiff, packed, the other order": lambda v: tiff(v, ">", packed=True),
    "tiff, channels apart": lambda v: tiff(v, apart=True),
    "tiff, channels apart, the other order": lambda v: tiff(v, ">", apart=True),
}


def tones(values: np.ndarray, bits: int) -> np.ndarray:
    """What is to be seen, (h, w, 3): grey three times, an opacity left out."""
    colours = values[..., : {2: 1, 3: 3, 4: 3}[values.shape[2]]]
    return np.broadcast_to(np.minimum(colours >> (bits - 8), 255), (*SIDE, 3)).astype(np.uint8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 16])
def test_all_bits_of_colours_are_read(form: str, bits: int) -> None:
    values = pixels(2**bits - 1)
    data = FORMS[form](values)
    assert bits_used(data) == bits
    np.testing.assert_array_equal(np.asarray(decode(data, Decoding(bits=bits))), tones(values, bits))


@pytest.mark.parametrize("form", ["png", "tiff", "tiff, packed", "tiff, channels apart"])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_an_opacity_counts_with_the_colours(form: str, bits: int) -> None:
    values = pixels(2**bits - 1, 4)
    data = FORMS[form](values)
    np.testing.assert_array_equal(np.asarray(decode(data, Decoding(bits=bits))), tones(values, bits))
    values[..., 3] = 65535  # opaque by all bits, whatever the colours use
    np.testing.assert_array_equal(
        np.asarray(decode(FORMS[form](values), Decoding(bits=bits))), tones(values, bits)
    )


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_grey_with_an_opacity_is_read_likewise(bits: int) -> None:
    values = pixels(2**bits - 1, 2)
    np.testing.assert_array_equal(np.asarray(decode(png(values), Decoding(bits=bits))), tones(values, bits))


def test_brighter_than_white_is_white() -> None:
    shown = np.asarray(decode(png(pixels(65535)), Decoding(bits=12)))
    np.testing.assert_array_equal(shown, tones(pixels(65535), 12))


def test_planes_that_lie_apart_and_are_packed_are_coarse_but_not_black() -> None:
    values = pixels(4095)
    data = tiff(values, packed=True, apart=True)
    assert bits_used(data) == 12
    shown = np.asarray(decode(data, Decoding(bits=12)))
    np.testing.assert_array_equal(shown, (tones(values, 12) >> 4) << 4)


def test_a_crop_has_the_same_tones() -> None:
    values = pixels(1023)[:7, :7]
    found = to_pixels(png(values), Crop(7, 7), Decoding(bits=10))
    np.testing.assert_array_equal(found.transpose(1, 2, 0), (values >> 2).astype(np.uint8))


def test_a_black_picture_says_nothing_of_its_bits() -> None:
    assert bits_used(png(np.zeros((*SIDE, 3), np.uint16))) is None


@pytest.mark.parametrize("form", FORMS)
def test_what_is_cut_short_is_broken(form: str) -> None:
    data = FORMS[form](pixels(4095))
    assert bits_used(data[: len(data) // 2]) is None
