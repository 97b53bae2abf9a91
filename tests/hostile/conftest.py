"""What hostile data is made of, byte by byte, and the command line in this process."""

from __future__ import annotations

import contextlib
import functools
import io
import signal
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

Members = list[tuple[str, Any]]


@pytest.fixture
def prune(typed: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run `prune WORDS…`; return the exit code and all that reached the terminal, also from C."""
    return functools.partial(typed, capfd)


def pixels(number: int = 0, size: int = 12) -> np.ndarray:
    """A picture of its own for each number, smooth enough that JPEG keeps it."""
    corners = np.random.default_rng(number).integers(40, 216, (2, 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(corners).resize((size, size), Image.Resampling.BILINEAR))


def picture(number: int = 0, kind: str = "png", size: int = 12, mode: str = "RGB", **options: Any) -> bytes:
    """An encoded picture of a number; other modes are converted from RGB."""
    sink = io.BytesIO()
    Image.fromarray(pixels(number, size)).convert(mode).save(sink, kind, **options)
    return sink.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int, *, extra: bytes = b"", depth: int = 8, color: int = 2) -> bytes:
    """A PNG whose header claims a size that its few bytes do not have."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + extra + rows + chunk(b"IEND", b"")


def member(name: str, data: Any = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A member with header fields of one's choice; text stands for a symbolic link."""
    info = tarfile.TarInfo(name)
    if isinstance(data, str):
        info.type, info.linkname, data = tarfile.SYMTYPE, data, b""
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def tar(path: Path, members: Members, kind: int = tarfile.GNU_FORMAT) -> Path:
    """A shard of (name, bytes) or of what `member` returned."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=kind, errors="surrogateescape") as out:
        for entry in members:
            info, data = entry if isinstance(entry[0], tarfile.TarInfo) else member(*entry)
            out.addfile(info, io.BytesIO(data))
    return path


def pairs(numbers: range, prefix: str = "") -> Members:
    """Members of ordinary samples: an image and a label each."""
    return [
        entry
        for i in numbers
        for entry in ((f"{prefix}{i:03d}.png", picture(i)), (f"{prefix}{i:03d}.cls", b"%d" % (i % 2)))
    ]


def table(rows: int = 6, **columns: Any) -> pa.Table:
    """Images with paths, and labels; a column that is None is left out."""
    images = [{"bytes": picture(i), "path": f"{i}.png"} for i in range(rows)]
    given = {"image": images, "label": [i % 2 for i in range(rows)]} | columns
    return pa.table({name: column for name, column in given.items() if column is not None})


def parquet(root: Path, *tables: pa.Table, **options: Any) -> Path:
    """A folder of parquet files."""
    root.mkdir(parents=True, exist_ok=True)
    for number, held in enumerate(tables):
        pq.write_table(held, root / f"train-{number:05d}-of-{len(tables):05d}.parquet", **options)
    return root


def arrow(root: Path, held: pa.Table, options: pa.ipc.IpcWriteOptions | None = None) -> Path:
    """A dataset as `save_to_disk` leaves it."""
    root.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(root / "data.arrow", held.schema, options=options) as out:
        out.write_table(held)
    (root / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}], "_split": "train"}')
    return root


def npy(path: Path, header: str, data: bytes = bytes(64)) -> Path:
    """A `.npy` file whose header is any text."""
    encoded = header.encode("latin1")
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + data)
    return path


def folder(root: Path, **files: bytes) -> Path:
    """An image folder of two classes and six pictures, and more files in the first class."""
    for i in range(6):
        place = root / "ab"[i % 2] / f"{i:03d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture(i))
    for name, data in files.items():
        (root / "a" / name).write_bytes(data)
    return root


@pytest.fixture
def make() -> SimpleNamespace:
    """All of the above."""
    makers = (pixels, picture, chunk, png_claiming, member, tar, pairs, table, parquet, arrow, npy, folder)
    return SimpleNamespace(**{maker.__name__: maker for maker in makers})


@pytest.fixture
def everything_below(tmp_path: Path) -> Callable[[], dict[str, bytes]]:
    """All files below the test's folder, links as what they say: what must not change."""

    def look() -> dict[str, bytes]:
        found = {}
        for path in sorted(tmp_path.rglob("*")):
            if path.is_symlink():
                found[str(path)] = str(path.readlink()).encode(errors="surrogateescape")
            elif path.is_file():
                found[str(path)] = path.read_bytes()
        return found

    return look


LIMIT = 20.0  # seconds of work for a case of some kilobytes, however busy the machine is


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise in the middle of a hang."""

    def late(*_: object) -> None:
        raise AssertionError(f"still busy after {LIMIT} seconds of work")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.fixture
def in_time() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with in_time():` fails where it hangs."""
    return _in_time
