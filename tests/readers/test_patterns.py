"""Patterns as DATA: parquet files are read, as shards are; of other files, what to name instead is said."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan


def png(number: int) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "png")
    return sink.getvalue()


def tables(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"image": [png(number)], "label": [number]}), root / name)
    return root


PARTS = [f"train-{part:05d}-of-00003.parquet" for part in range(3)]
TEST = "test-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("pattern", "labels"),
    [
        ("*.parquet", [0, 1, 2]),
        ("train-*", [0, 1, 2]),
        ("train-0000[12]*.parquet", [1, 2]),
        ("train-{00001..00002}-of-00003.parquet", [1, 2]),
        ("train-{00002,00000}-of-00003.parquet", [2, 0]),
        ("test-*.parquet", [3]),
        ("../**/*.parquet", [0, 1, 2]),
    ],
)
def test_a_pattern_of_parquet_files_is_read(pattern: str, labels: list[int], tmp_path: Path) -> None:
    root = tables(tmp_path / "d", *PARTS, TEST)
    reader = open_reader(f"{root}/{pattern}")
    dataset = scan(reader, tmp_path / "scans", SILENT)
    assert [int(dataset.classes[label]) for label in dataset.labels] == labels
    assert list(reader.payloads(dataset.samples)) == [png(label) for label in labels]
    assert dataset.split == ("test" if labels == [3] else "train")


def test_a_split_of_a_pattern(tmp_path: Path) -> None:
    root = tables(tmp_path / "d", *PARTS, TEST)
    assert open_reader(f"{root}/*.parquet", split="test").files == (TEST,)
    with pytest.raises(OptionError, match="no split of .* is called 'dev'"):
        open_reader(f"{root}/*.parquet", split="dev")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("x-*.parquet", "no .parquet file matches"),
        ("train-{00000..00004}-of-00003.parquet", "2 of 5 shards are missing"),
    ],
)
def test_files_that_are_not_there(pattern: str, said: str, tmp_path: Path) -> None:
    root = tables(tmp_path / "d", *PARTS)
    with pytest.raises(DataError, match=said):
        open_reader(f"{root}/{pattern}")


@pytest.mark.parametrize("pattern", ["a/*.png", "*/*.png", "**/*", "*/{1,2}.png"])
def test_a_pattern_of_pictures_names_their_folder(pattern: str, tmp_path: Path) -> None:
    root = tmp_path / "it's"
    for name in ("a/1.png", "b/2.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(1))
    with pytest.raises(DataError, match="is a pattern of images") as refused:
        open_reader(f"{root}/{pattern}")
    place = shlex.split(refused.value.hint)[2]
    found = scan(open_reader(place), tmp_path / "scans", SILENT)
    assert len(found) == (1 if pattern.startswith("a") else 2)


def test_a_pattern_of_arrays_names_one(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 4), np.float32))
    with pytest.raises(DataError, match=r"a pattern of \.npy files") as refused:
        open_reader(f"{tmp_path}/*.npy")
    assert len(scan(open_reader(shlex.split(refused.value.hint)[2]), tmp_path / "scans", SILENT)) == 3


def test_two_formats_in_one_pattern_have_to_be_chosen(tmp_path: Path) -> None:
    root = tables(tmp_path / "d", *PARTS)
    (root / "a.tar").write_bytes(b"")
    with pytest.raises(DataError, match=r"\.tar and \.parquet") as refused:
        open_reader(f"{root}/*")
    assert "--as huggingface" in refused.value.hint
    assert len(open_reader(f"{root}/*", as_="huggingface").files) == 3
