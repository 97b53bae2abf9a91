"""What data claims of itself costs nothing: memory and time stay small, whatever a header says."""

from __future__ import annotations

import contextlib
import io
import re
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from prune.core.errors import OptionError, PruneError
from prune.core.progress import SILENT
from prune.encoders import weights
from prune.modalities.image import Crop, UnreadableImageError, to_pixels
from prune.modalities.image.jpeg_bombs import MAX_SCANS, MAX_SEGMENTS, jpeg_excess
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.readers.tables import rows

MIB = 1 << 20
SECONDS = 20.0  # of work, however busy the machine is; all take well under one
ROW = "Hostile and broken input", "bombs"


@contextlib.contextmanager
def within(memory: int, seconds: float = SECONDS) -> Iterator[None]:
    """Check how far the memory of this process rose above where it stood."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    except OSError:
        pytest.skip("this system does not tell the peak of a process's memory")
    before, began = _memory("VmRSS"), time.process_time()
    yield
    assert _memory("VmHWM") - before < memory + 32 * MIB
    assert time.process_time() - began < seconds


def _memory(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


def zeros(mebibytes: int) -> bytes:
    """Zeros, deflated to a thousandth."""
    press = zlib.compressobj(9)
    return b"".join(press.compress(bytes(MIB)) for _ in range(mebibytes)) + press.flush()


def patched(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


def jpeg_of(make: Any, width: int, height: int) -> bytes:
    data = make.picture(0, "jpeg", 8)
    return patched(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def tiff(width: int, height: int, **tags: int) -> bytes:
    said = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: height, 279: 100}
    said |= {int(tag[1:]): value for tag, value in tags.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(said.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(said)) + entries + struct.pack("<I", 0) + bytes(300)


def webp(make: Any) -> bytes:
    """A moving picture that claims a canvas of 16383 pixels a side."""
    still = make.picture(0, "webp", 4, lossless=True)[12:]
    frame = bytes(6) + (3).to_bytes(3, "little") * 2 + (10).to_bytes(3, "little") + b"\0" + still
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (16_382).to_bytes(3, "little") * 2
    body = (
        b"WEBP"
        + canvas
        + b"ANIM"
        + struct.pack("<I", 6)
        + bytes(6)
        + b"ANMF"
        + struct.pack("<I", len(frame))
        + frame
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


PICTURES: dict[str, Callable[[Any], bytes]] = {
    "png 60,000 a side": lambda m: m.png_claiming(60_000, 60_000),
    "png of all there is": lambda m: m.png_claiming(2**31 - 1, 2**31 - 1),
    "png one pixel wide": lambda m: m.png_claiming(1, 40_000_000, depth=1, color=0),
    "png one pixel high": lambda m: m.png_claiming(40_000_000, 1, depth=16, color=6),
    "png with a note that may turn it": lambda m: m.png_claiming(
        4, 4, extra=m.chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(200))
    ),
    "jpeg 2000": lambda m: patched(m.picture(0, "jpeg2000", 4), 48, struct.pack(">II", 100_000, 100_000)),
    "gif": lambda m: patched(m.picture(0, "gif", 4), 6, b"\xff" * 4),
    "bmp": lambda m: patched(m.picture(0, "bmp", 4), 18, struct.pack("<ii", 100_000, 100_000)),
    "bmp within the limit": lambda m: patched(m.picture(0, "bmp", 4), 18, struct.pack("<ii", 6000, 6000)),
    "jpeg": lambda m: jpeg_of(m, 65_500, 65_500),
    "webp": webp,
    "tiff": lambda _m: tiff(100_000, 100_000),
    "tiff within the limit": lambda _m: tiff(6000, 6000),
    "tiff of one tile": lambda _m: tiff(64, 64, t259=8, t322=60_000, t323=60_000, t324=200, t325=100),
    "tiff of a wide tile": lambda _m: tiff(64, 64, t259=5, t322=2**31 - 16, t323=16, t324=200, t325=100),
    "tiff of many channels": lambda _m: tiff(4, 4, t277=65_535),
    "ppm": lambda _m: b"P6\n100000 100000\n255\n",
    "ppm with a long number": lambda _m: b"P6\n" + b"9" * 5_000_000 + b" 1\n255\n",
    "jpeg of padding": lambda _m: b"\xff\xd8" + b"\xff" * 20_000_000,
    "jpeg of nothing": lambda _m: b"\xff\xd8\xff" + bytes(20_000_000),
    "jpeg of empty markers": lambda _m: b"\xff\xd8" + b"\xff\0" * 5_000_000,
    "jpeg of notes": lambda m: b"\xff\xd8" + b"\xff\xe1\0\x04ab" * 1_000_000 + m.picture(0, "jpeg", 8)[2:],
    "jpeg of scans": lambda m: scans(m, 5000),
}


def scans(make: Any, count: int) -> bytes:
    """A progressive picture that is gone over again and again."""
    data = make.picture(0, "jpeg", 1200, progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * count + data[-2:]


NOTED = {
    "a note": (b"zTXt", b"a\0\0"),
    "a long note": (b"iTXt", b"a\0\1\0\0\0"),
    "a profile": (b"iCCP", b"a\0\0"),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_is_noted_in_a_picture_is_passed_over(name: str, make: SimpleNamespace, tally: Any) -> None:
    kind, head = NOTED[name]
    data = make.png_claiming(4, 4, extra=make.chunk(kind, head + zeros(200)))
    with within(8 * MIB, 5.0):
        assert to_pixels(data, Crop(4, 4)).shape == (3, 4, 4)
    tally(*ROW, "read", 1)


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name: str, make: SimpleNamespace, tally: Any) -> None:
    data = PICTURES[name](make)
    with within(8 * MIB, 5.0), pytest.raises(UnreadableImageError) as caught:
        to_pixels(data, Crop(32, 32))
    assert len(str(caught.value)) < 200
    tally(*ROW, "left out", 1)


def test_a_picture_of_the_largest_size_takes_what_its_pixels_take(make: SimpleNamespace, tally: Any) -> None:
    sink = io.BytesIO()
    Image.new("RGB", (6300, 6300)).save(sink, "png", compress_level=1)
    with within(2 * 3 * 6300 * 6300):
        assert to_pixels(sink.getvalue(), Crop(32, 32)).shape == (3, 32, 32)
    with within(8 * MIB):
        to_pixels(make.png_claiming(4, 4)[:-12] + make.chunk(b"IDAT", zeros(200)), Crop(32, 32))
    tally(*ROW, "read", 2)


def test_ordinary_jpegs_are_not_taken_for_bombs(make: SimpleNamespace) -> None:
    for options in (
        {},
        {"progressive": True},
        {"exif": b"Exif\0\0" + bytes(60_000)},
        {"icc_profile": bytes(900_000)},
    ):
        data = make.picture(0, "jpeg", 64, **options)
        assert jpeg_excess(data) is None
        assert jpeg_excess(data + b"\xff\xda" * 5000) is None  # a film behind the picture
        assert to_pixels(data, Crop(8, 8)).any()
    assert jpeg_excess(scans(make, MAX_SCANS - 20)) is None
    assert jpeg_excess(b"\xff\xd8" + b"\xff\xe1\0\2" * MAX_SEGMENTS) == f"over {MAX_SEGMENTS} segments"


def looked_at(root: Path, **options: Any) -> int:
    return len(scan(open_reader(str(root), **options), root.parent / "none", SILENT, keep=False))


def test_tables_of_repeated_pictures(
    make: SimpleNamespace, tmp_path: Path, tally: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight megabytes written once in a dictionary, and read a hundred times; or a hundred times, packed."""
    large = make.picture(0) + bytes(8_000_000)
    images = pa.DictionaryArray.from_arrays(pa.array([0] * 100), pa.array([large], pa.binary()))
    make.parquet(
        tmp_path / "p",
        pa.table({"image": images}),
        compression="zstd",
        store_schema=False,
        dictionary_pagesize_limit=1 << 30,
    )
    assert sum(file.stat().st_size for file in (tmp_path / "p").iterdir()) < MIB
    with within(700 * MIB, 60.0):
        assert looked_at(tmp_path / "p") == 100
    make.parquet(tmp_path / "q", pa.table({"image": [large] * 10}), compression="zstd", use_dictionary=False)
    monkeypatch.setattr(rows, "_BOMB", 64 * MIB)
    with within(64 * MIB), pytest.raises(PruneError, match="row group 0 of .* unpacks to 8"):
        looked_at(tmp_path / "q")
    tally(*ROW, "read", 1)
    tally(*ROW, "refused", 1)


@pytest.mark.parametrize("claimed", [2**31, 2**40, 2**62])
def test_claims_of_containers(claimed: int, make: SimpleNamespace, tmp_path: Path, tally: Any) -> None:
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 4)}"
    make.npy(tmp_path / "x.npy", header % claimed)
    whole = make.tar(tmp_path / "t" / "x.tar", make.pairs(range(3))).read_bytes()
    head = patched(whole[:512], 124, b"\x80" + claimed.to_bytes(11, "big"))
    head = patched(head, 148, b" " * 8)
    (tmp_path / "t" / "x.tar").write_bytes(patched(head, 148, b"%06o\0 " % sum(head)) + whole[512:])
    tensors = save({"a": torch.ones(4)})
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", claimed) + tensors[8:])
    (tmp_path / "v.safetensors").write_bytes(tensors.replace(b"[4]", b"[9]"))
    with within(8 * MIB):
        for root in (tmp_path / "x.npy", tmp_path / "t"):
            with pytest.raises(PruneError):
                looked_at(root)
        for name in ("w", "v"):
            with pytest.raises(OptionError):
                weights.read(tmp_path / f"{name}.safetensors")
    tally(*ROW, "refused", 4)


def test_labels_that_are_large_or_deep(make: SimpleNamespace, tmp_path: Path, tally: Any) -> None:
    texts = [
        b"[" * 1_000_000,
        b'{"label": ' * 200_000,
        b'"' + b"a" * 20_000_000,
        b"9" * 1_000_000,
        b" " * 17_000_000,
    ]
    members = [
        e for i, text in enumerate(texts) for e in ((f"{i}.png", make.picture(i)), (f"{i}.json", text))
    ]
    make.tar(tmp_path / "t" / "x.tar", [*members, ("z.png", make.picture(9)), ("z.cls", bytes(70_000))])
    with within(64 * MIB):
        dataset = scan(open_reader(str(tmp_path / "t")), tmp_path, SILENT, keep=False)
    assert len(dataset.rejects) == 6
    tally(*ROW, "left out", 6)


def test_patterns_that_stand_for_too_much(tmp_path: Path, tally: Any) -> None:
    for pattern in (
        "{0..999999999}.tar",
        "{0..99999}{0..99999}.tar",
        "{a,b}" * 40 + ".tar",
        "{0..9}" * 7,
    ):
        with within(400 * MIB, 30.0), pytest.raises(PruneError):
            open_reader(pattern, as_="webdataset")
        tally(*ROW, "refused", 1)


def test_a_file_of_holes_is_an_archive_without_samples(tmp_path: Path, tally: Any) -> None:
    with (tmp_path / "x.tar").open("wb") as file:
        file.truncate(300 * MIB)
    with within(16 * MIB), pytest.raises(PruneError, match="no samples"):
        looked_at(tmp_path)
    tally(*ROW, "refused", 1)
