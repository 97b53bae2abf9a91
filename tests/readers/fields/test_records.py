"""Fields of samples, from every format that has some."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.fields.records import field_names, records_of
from prune.readers.lines.fields import value_at
from prune.readers.scan import scan

ROWS = [
    {"text": "one", "lang": "en", "meta": {"site": "a"}, "stars": 5},
    {"text": "two", "lang": None, "meta": {"site": "b"}, "stars": 2},
    {"text": "three", "lang": "de", "meta": {}, "stars": 3, "rare": True},
]


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3, 2)).save(out, "PNG")
    return out.getvalue()


def jsonl(folder: Path) -> str:
    path = folder / "data.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return str(path)


def table(folder: Path) -> str:
    path = folder / "data.parquet"
    pq.write_table(pa.Table.from_pylist([{**row, "key": str(i)} for i, row in enumerate(ROWS)]), path)
    return str(path)


def shards(folder: Path) -> str:
    path = folder / "data.tar"
    with tarfile.open(path, "w") as tar:
        for number, row in enumerate(ROWS):
            for name, data in (("json", json.dumps(row).encode()), ("png", png()), ("txt", b"a cat\n")):
                info = tarfile.TarInfo(f"{number}.{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return str(path)


def found(data: str, *names: str) -> list[list[Any]]:
    reader = open_reader(data)
    dataset = scan(reader, Path(data).parent / "none", SILENT, keep=False)
    records = records_of(reader, dataset.samples, names)
    return [[value_at(record, name) for name in names] for record in records]


@pytest.mark.parametrize("make", [jsonl, table, shards])
def test_fields_and_paths_are_found_in_order(make: Any, tmp_path: Path) -> None:
    data = make(tmp_path)
    expected = [["en", "a", 5], [None, "b", 2], ["de", None, 3]]
    assert found(data, "lang", "meta.site", "stars") == expected
    assert found(data, "stars", "none") == [[5, None], [2, None], [3, None]]


@pytest.mark.parametrize(("make", "complete"), [(jsonl, False), (table, True), (shards, False)])
def test_names_of_fields(make: Any, complete: bool, tmp_path: Path) -> None:
    reader = open_reader(make(tmp_path))
    dataset = scan(reader, tmp_path / "none", SILENT, keep=False)
    names, all_of_them = field_names(reader, dataset.samples)
    assert {"lang", "meta.site", "stars"} <= set(names)
    assert all_of_them is complete


def test_short_texts_beside_an_image_are_fields(tmp_path: Path) -> None:
    assert found(shards(tmp_path), "txt") == [["a cat"]] * 3


def test_json_that_is_no_object_has_no_fields(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "data.tar", "w") as tar:
        for number, text in enumerate((b'{"a": 1}', b"[1]", b"{", b"\xff")):
            for name, data in (("json", text), ("png", png())):
                info = tarfile.TarInfo(f"{number}.{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    assert found(str(tmp_path / "data.tar"), "a") == [[1], [None], [None], [None]]


def test_cells_of_csv_by_their_header(tmp_path: Path) -> None:
    with (tmp_path / "data.csv").open("w", newline="") as out:
        rows = csv.DictWriter(out, ["text", "site"])
        rows.writeheader()
        rows.writerows([{"text": "a, b", "site": "x"}, {"text": "c\nd", "site": ""}])
    assert found(str(tmp_path / "data.csv"), "site") == [["x"], [""]]


def test_metadata_of_an_image_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.png").write_bytes(png())
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "site": "x"}\n')
    assert found(str(tmp_path), "site") == [["x"], [None]]


@pytest.mark.parametrize(
    ("record", "path", "value"),
    [
        ({"a.b": 1, "a": {"b": 2}}, "a.b", 1),
        ({"a": {"b": {"c": 3}}}, "a.b.c", 3),
        ({"a": 1}, "a.b", None),
        ({"a": None}, "a.b", None),
        ({}, "a", None),
    ],
)
def test_a_name_goes_before_a_path(record: Mapping[str, Any], path: str, value: Any) -> None:
    assert value_at(record, path) == value
