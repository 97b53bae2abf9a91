"""Captions of images: where they lie in shards and tables, and what is none."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.captions import captions_of
from prune.readers.scan import scan

Sample = Mapping[str, bytes]


def picture(shade: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), shade, np.uint8)).save(file, "PNG")
    return file.getvalue()


def shard(path: Path, samples: list[Sample]) -> str:
    with tarfile.open(path, "w") as tar:
        for number, sample in enumerate(samples):
            for extension, data in sample.items():
                member = tarfile.TarInfo(f"{number:04d}.{extension}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return str(path)


def captions_in(data: str, tmp_path: Path, **words: str) -> list[str] | None:
    reader = open_reader(data, **words)
    assert reader.modality == "image"
    found = captions_of(reader)
    samples = scan(reader, tmp_path / "scans", SILENT, keep=False).samples
    if found is None:
        return None
    assert list(found.payloads(samples.take(pa.array([1, 0])))) == list(found.payloads(samples))[1::-1]
    return list(found.payloads(samples))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"txt": "a dog"}, {"txt": "zwei Bäume"}, ["a dog", "zwei Bäume"]),
        ({"txt": "a dog", "json": '{"caption": "no"}'}, {"json": '{"caption": "a cat"}'}, ["a dog", "a cat"]),
        ({"caption": "a dog"}, {}, ["a dog", ""]),
        ({"json": '{"text": "a dog"}'}, {"json": '{"caption": ["a", "b"]}'}, ["a dog", "a\nb"]),
        ({"txt": "a dog"}, {"txt": b"\xff\xfe"}, ["a dog", ""]),
        ({"txt": "a dog"}, {"json": "[" * 4000}, ["a dog", ""]),
    ],
)
def test_in_shards_they_are_beside_the_image(first, second, expected, tmp_path):
    samples = [
        {
            "png": picture(i),
            **{name: text if isinstance(text, bytes) else text.encode() for name, text in one.items()},
        }
        for i, one in enumerate((first, second))
    ]
    assert captions_in(shard(tmp_path / "a.tar", samples), tmp_path) == expected


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"cls": b"3"}, {}),
        ({"cls": b"3", "json": b'{"url": "x", "width": 3, "license": "none"}'}, {}),
        ({"txt": b"dog"}, {"label_field": "txt"}),
    ],
)
def test_labels_and_metadata_are_none(members, words, tmp_path):
    samples = [{"png": picture(i), **members} for i in range(2)]
    assert captions_in(shard(tmp_path / "a.tar", samples), tmp_path, **words) is None


def test_in_tables_they_are_the_column_that_is_called_so(tmp_path):
    images = pa.array([{"bytes": picture(i), "path": None} for i in range(3)])
    table = {
        "image": images,
        "TEXT": ["a dog", None, "a cat"],
        "license": ["x", "y", "z"],
        "label": [0, 1, 0],
    }
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    assert captions_in(str(tmp_path / "a.parquet"), tmp_path) == ["a dog", "", "a cat"]
    named = {"image_column": "image", "text_field": "license"}
    assert captions_in(str(tmp_path / "a.parquet"), tmp_path, **named) == ["x", "y", "z"]
    del table["TEXT"]
    pq.write_table(pa.table(table), tmp_path / "b.parquet")
    assert captions_in(str(tmp_path / "b.parquet"), tmp_path) is None


def test_the_user_says_which_text_goes_with_the_image(tmp_path):
    about = json.dumps({"meta": {"title": "a title"}}).encode()
    path = shard(tmp_path / "a.tar", [{"png": picture(i), "txt": b"x", "json": about} for i in range(2)])
    named = {"image_column": "png", "text_field": "json.meta.title"}
    assert captions_in(path, tmp_path, **named) == ["a title", "a title"]
