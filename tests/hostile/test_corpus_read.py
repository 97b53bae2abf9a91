"""The corpus of what is read rightly: odd pictures, long and strange names, tables of every make."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from prune.store import Store

Build = Callable[[Any, Path], object]  # (makers, folder) -> the dataset, where it is not the folder
PIXELS = ("--encoder", "pixels", "--workers", "0")
PAX = tarfile.PAX_FORMAT


def hf(**columns: Any) -> Build:
    """A parquet file with columns changed."""
    return lambda m, r: m.parquet(r, m.table(**columns))


def described(features: str) -> Build:
    """A parquet file that says this of its features."""
    return lambda m, r: m.parquet(r, m.table().replace_schema_metadata({"huggingface": features}))


def array(value: Any) -> Build:
    return lambda _m, r: (r.mkdir(), np.save(r / "x.npy", value), r / "x.npy")[-1]


def beside(*members: Any, format: int = tarfile.GNU_FORMAT) -> Build:
    """Good samples in a shard, and these members after them."""
    return lambda m, r: m.tar(r / "x.tar", [*m.pairs(range(4)), *members], format)


def labelled(suffix: str, words: bytes) -> Build:
    return lambda m, r: beside(("z.png", m.picture(9)), (f"z.{suffix}", words))(m, r)


def named(*names: str) -> Build:
    return lambda m, r: beside(*((f"{name}.png", m.picture(9)) for name in names))(m, r)


def encoded(kind: str, mode: str = "RGB", **options: Any) -> Callable[[Any], tuple[bytes, bytes]]:
    """A picture in a mode, and the same as a plain PNG."""

    def build(m: Any) -> tuple[bytes, bytes]:
        plain = io.BytesIO()
        Image.open(io.BytesIO(m.picture(7, "png", 32, mode if mode != "CMYK" else "RGB"))).convert(
            "RGB"
        ).save(plain, "png")
        return m.picture(7, kind, 32, mode, **options), plain.getvalue()

    return build


def deep(m: Any) -> tuple[bytes, bytes]:
    grey = m.pixels(7, 32)[:, :, 0]
    sinks = io.BytesIO(), io.BytesIO()
    Image.fromarray(grey.astype(np.uint16) * 257).save(sinks[0], "png")
    Image.fromarray(grey).save(sinks[1], "png")
    return sinks[0].getvalue(), sinks[1].getvalue()


def clear(m: Any) -> tuple[bytes, bytes]:
    sink, white = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.dstack([m.pixels(7, 32), np.zeros((32, 32), np.uint8)])).save(sink, "png")
    Image.new("RGB", (32, 32), "white").save(white, "png")
    return sink.getvalue(), white.getvalue()


def turned(m: Any) -> tuple[bytes, bytes]:
    upright, sink, plain = Image.fromarray(m.pixels(7, 32)), io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(sink, "jpeg", exif=exif, quality=95)
    upright.save(plain, "png")
    return sink.getvalue(), plain.getvalue()


def moving(kind: str) -> Callable[[Any], tuple[bytes, bytes]]:
    def build(m: Any) -> tuple[bytes, bytes]:
        more = [Image.fromarray(m.pixels(i, 32)) for i in range(3)]
        return m.picture(7, kind, 32, save_all=True, append_images=more), m.picture(7, "png", 32)

    return build


HALF = '{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["\\ud800", "b"]}}}}'
PICTURES: dict[str, Callable[[Any], tuple[bytes, bytes]]] = {
    "jpeg": encoded("jpeg", quality=95),
    "jpeg progressive": encoded("jpeg", quality=95, progressive=True),
    "jpeg grey": encoded("jpeg", "L", quality=95),
    "jpeg cmyk": encoded("jpeg", "CMYK", quality=95),
    "jpeg turned by EXIF": turned,
    "png grey": encoded("png", "L"),
    "png grey with alpha": encoded("png", "LA"),
    "png with alpha": encoded("png", "RGBA"),
    "png palette": encoded("png", "P"),
    "png of one bit": encoded("png", "1"),
    "png of 16 bits": deep,
    "png all transparent": clear,
    "gif": encoded("gif", "P"),
    "gif that moves": moving("gif"),
    "webp": encoded("webp", lossless=True),
    "webp that moves": moving("webp"),
    "bmp": encoded("bmp"),
    "tiff": encoded("tiff"),
    "tiff deflated": encoded("tiff", compression="tiff_deflate"),
    "tiff lzw": encoded("tiff", compression="tiff_lzw"),
    "ppm": encoded("ppm"),
    "pgm": encoded("ppm", "L"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_that_are_read_rightly(
    name: str, make: Any, prune: Any, elsewhere: Path, tally: Any
) -> None:
    """Under a wrong suffix, too: the bytes say what a picture is."""
    odd, plain = PICTURES[name](make)
    make.folder(elsewhere / "in", **{"y.jpg": odd, "z.gif": plain})
    assert prune("embed", *PIXELS, "in").code == 0
    rows = dict(
        zip(Store(".prune").dataset.keys, Store(".prune").column("embedding.pixels").read(), strict=True)
    )
    off = np.abs(rows["a/y.jpg"].astype(float) - rows["a/z.gif"]).mean() * 127.5
    assert off < (12 if "moves" in name or "gif" in name else 3), off  # a palette of 256 colours
    assert not np.allclose(rows["a/y.jpg"], rows["a/000.png"])
    tally("Hostile and broken input", "image files", "read", 1)


READ: dict[str, list[tuple[str, Build, int]]] = {
    "tar shards": [
        ("long names of GNU", lambda m, r: m.tar(r / "x.tar", m.pairs(range(3), "d/" * 60)), 3),
        ("long names of PAX", lambda m, r: m.tar(r / "x.tar", m.pairs(range(3), "d\u00e9/" * 40), PAX), 3),
        (
            "long names of ustar",
            lambda m, r: m.tar(r / "x.tar", m.pairs(range(3), "d" * 90 + "/"), tarfile.USTAR_FORMAT),
            3,
        ),
        (
            "folders and notes between",
            beside(("__meta__/x.png", b"x"), ("README", b"x"), (".hidden", b"x")),
            4,
        ),
        (
            "an owner of PAX",
            lambda m, r: m.tar(
                r / "x.tar", [m.member(n, d, uname="\u202e", uid=2**40) for n, d in m.pairs(range(3))], PAX
            ),
            3,
        ),
        ("no labels", lambda m, r: m.tar(r / "x.tar", m.pairs(range(3))[::2]), 3),
        (
            "zeros after the end",
            lambda m, r: (p := m.tar(r / "x.tar", m.pairs(range(3)))).write_bytes(
                p.read_bytes() + bytes(99_999)
            ),
            3,
        ),
    ],
    "keys and labels": [
        *(
            (key.encode("unicode_escape").decode()[:24], named(key), 5)
            for key in (
                "\u202egnp",
                "[bold]x[/bold]",
                "[/x]",
                "=cmd|' /C calc'!A0",
                "<script>alert(1)</script>",
                "a\x1b[31mb",
                "a\x07b",
                "a\x9bb",
                "\U0001f600",
                "k" * 200,
                "a b",
                "-rf",
                "$(touch owned)",
                "con",
                "%s{}",
            )
        ),
        *(
            (words.decode()[:24], labelled("json", words), 5)
            for words in (
                b'{"label": 1e9}',
                b'{"label": -1}',
                b'{"label": true}',
                b'{"label": null}',
                b'{"label": "[/b]"}',
                b'\xef\xbb\xbf{"label": 1}',
                b'{"label": "\\u202ex"}',
                b"[]",
                b"5",
            )
        ),
    ],
    "parquet and arrow": [
        ("labels of a dictionary", hf(label=pa.array(["a", "b"] * 3).dictionary_encode()), 6),
        ("labels that lack", hf(label=[0, None, 1, None, 0, 1]), 6),
        ("fractions as labels", hf(label=[0.5] * 6), 6),
        (
            "names with half a character",
            described(HALF),
            6,
        ),
        (
            "metadata too deep",
            lambda m, r: m.parquet(r, m.table().replace_schema_metadata({"huggingface": "[" * 100_000})),
            6,
        ),
        (
            "large binaries",
            lambda m, r: m.parquet(
                r, m.table(image=pa.array([m.picture(i) for i in range(6)], pa.large_binary()))
            ),
            6,
        ),
        *(
            (codec, lambda m, r, codec=codec: m.parquet(r, m.table(), compression=codec), 6)
            for codec in ("zstd", "brotli", "gzip", "lz4")
        ),
        ("rows of one group each", lambda m, r: m.parquet(r, m.table(), row_group_size=1), 6),
        ("paths that clash", hf(__key__=[*"abcdef"]), 6),
        ("arrow", lambda m, r: m.arrow(r, m.table()), 6),
        (
            "arrow compressed",
            lambda m, r: m.arrow(r, m.table(), pa.ipc.IpcWriteOptions(compression="zstd")),
            6,
        ),
    ],
    "arrays": [
        *(
            (kind, array(np.random.default_rng(0).integers(0, 2, (5, 9, 9, 3)).astype(kind)), 5)
            for kind in ("u1", ">i2", "<f8", ">f4", "?", "i8", "f2")
        ),
        ("by columns", array(np.asfortranarray(np.ones((5, 9, 9, 3)))), 5),
        ("channels first", array(np.zeros((5, 3, 9, 9), np.uint8)), 5),
        ("grey", array(np.zeros((5, 9, 9), np.uint8)), 5),
    ],
}


@pytest.mark.parametrize(
    ("kind", "build", "n"),
    [pytest.param(kind, build, n, id=name) for kind, cases in READ.items() for name, build, n in cases],
)
def test_what_is_read(
    kind: str, build: Build, n: int, make: Any, prune: Any, elsewhere: Path, tally: Any
) -> None:
    made = build(make, elsewhere / "in")
    data = made if isinstance(made, Path) and made.suffix == ".npy" else "in"
    said = prune("embed", *PIXELS, data)
    assert said.code == 0, said.err
    dataset = Store(".prune").dataset
    assert (len(dataset), dataset.rejects) == (n, {})
    assert np.isfinite(Store(".prune").column("embedding.pixels").read()).all()
    assert prune("select", "--fraction", 1, "--method", "random").code == 0
    assert not Path("owned").exists()
    tally("Hostile and broken input", kind, "read", 1)
