"""Data that is not read beside data that is: counted by its suffix, for the line after a scan."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.readers.scan_summary import scan_line


def png(number: int) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "png")
    return sink.getvalue()


def shard(number: int) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        info = tarfile.TarInfo(f"{number}.png")
        info.size = len(png(number))
        tar.addfile(info, io.BytesIO(png(number)))
    return sink.getvalue()


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def shards(root: Path) -> Path:
    for number in range(2):
        put(root / f"s-{number}.tar", shard(number))
    return root


def tables(root: Path) -> Path:
    root.mkdir(parents=True)
    for number in range(2):
        table = pa.table({"image": [png(number)], "label": [number]})
        pq.write_table(table, root / f"train-{number:05d}-of-00002.parquet")
    return root


@pytest.mark.parametrize("pattern", ["", "/*", "/s-*"])
def test_compressed_shards_beside_others_are_passed_over(pattern: str, tmp_path: Path) -> None:
    root = shards(tmp_path / "d")
    for name in ("s-2.tar.gz", "s-3.tar.gz", "s-4.tgz", "s-5.TAR.ZST"):
        put(root / name, gzip.compress(shard(2)))
    data = f"{root}{pattern}"
    dataset = scan(open_reader(data), tmp_path / "scans", SILENT)
    assert len(dataset) == 2
    assert dataset.passed_over == {".tar.gz": 2, ".tgz": 1, ".tar.zst": 1}
    assert "passed over: 2 .tar.gz, 1 .tar.zst, 1 .tgz" in scan_line(data, dataset)
    again = scan(open_reader(data), tmp_path / "scans", SILENT)  # from the scans that were kept
    assert again.passed_over == dataset.passed_over


@pytest.mark.parametrize(
    ("names", "counted"),
    [
        (["s-0.tar.gz", "s-1.tgz"], {}),  # the archives of those that are read
        (["below/s-0.tar.gz"], {".tar.gz": 1}),
        (["sizes.json", "classnames.txt", "README.md", "labels.csv", ".hidden.tar.gz"], {}),
        (["t.zip", "a.tfrecord", "b.mds"], {".zip": 1, ".tfrecord": 1, ".mds": 1}),
    ],
)
def test_what_counts_beside_shards(names: list[str], counted: dict[str, int], tmp_path: Path) -> None:
    root = shards(tmp_path / "d")
    for name in names:
        put(root / name, b"a\n" * 3)
    assert scan(open_reader(str(root)), tmp_path / "scans", SILENT).passed_over == counted


def test_tables_in_other_forms_are_passed_over(tmp_path: Path) -> None:
    root = tables(tmp_path / "d")
    for name in ("more.tar.gz", "more.feather", "more/1.orc", "test-00000-of-00001.parquet"):
        put(root / name)
    reader = open_reader(str(root))
    assert scan(reader, tmp_path / "scans", SILENT).passed_over == {".feather": 1, ".orc": 1, ".tar.gz": 1}


def test_nothing_lies_beside_a_file_that_was_named(tmp_path: Path) -> None:
    root = shards(tmp_path / "d")
    put(root / "s-2.tar.gz")
    assert scan(open_reader(str(root / "s-0.tar")), tmp_path / "scans", SILENT).passed_over == {}
