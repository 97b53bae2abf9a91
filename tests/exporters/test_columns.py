"""Parts of one table that differ in width are exported as one table, which `datasets` opens."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.progress import Silent
from prune.exporters.columns import ApartError, joined, wider
from prune.exporters.table_files import source_schema

WORDS = ["cat", "dog"]


pytestmark = pytest.mark.usefixtures("other_libraries")


def parts(root: Path, png: Any, *pieces: dict[str, Any], split: str = "train") -> Path:
    (root / "data").mkdir(parents=True, exist_ok=True)
    for at, piece in enumerate(pieces):
        images = [png(2 * (2 * at + row) + 1) for row in range(2)]
        path = root / f"data/{split}-{at:05d}-of-{len(pieces):05d}.parquet"
        pq.write_table(pa.table({"image": images, **piece}), path)
    return root


def numbers(kind: pa.DataType) -> dict[str, Any]:
    return {"label": pa.array([0, 1], kind)}


def words(kind: pa.DataType) -> dict[str, Any]:
    return {"label": pa.array(WORDS, kind)}


PIECES = {
    "int32 and int64": ([numbers(pa.int32()), numbers(pa.int64())], [0, 1]),
    "int64, int8 and int32": ([numbers(pa.int64()), numbers(pa.int8()), numbers(pa.int32())], [0, 1]),
    "string and large_string": ([words(pa.string()), words(pa.large_string())], WORDS),
    "a dictionary and string": ([{"label": pa.array(WORDS).dictionary_encode()}, words(pa.string())], WORDS),
    "dictionaries": ([{"label": pa.array(WORDS).dictionary_encode()}] * 2, WORDS),
}


@pytest.mark.parametrize("form", ["huggingface", "parquet"])
@pytest.mark.parametrize("pieces", PIECES)
def test_parts_of_different_width_open_as_one(
    pieces: str, form: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    made, values = PIECES[pieces]
    run(make_job_of(parts(tmp_path / "data", png, *made)), form, tmp_path / "out")
    if form == "huggingface":
        found = datasets.load_from_disk(str(tmp_path / "out"))["train"]
    else:
        found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert found["label"] == values * len(made)
    files = sorted((tmp_path / "out").rglob("*.parquet"))
    assert len({str(pq.read_schema(file).remove_metadata()) for file in files}) <= 1


def test_every_other_column_and_split_is_joined_too(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    one = {"label": [0, 1], "age": pa.array([1, 2], pa.int16()), "box": pa.array([[1], [2]])}
    two = {
        "age": pa.array([1.5, 2.5], pa.float32()),
        "box": pa.array([[1.5], None], pa.large_list(pa.float64())),
        "label": pa.array([0, 1], pa.int8()),
        "note": ["x", "y"],
    }
    data = parts(tmp_path / "data", png, one, two)
    parts(data, png, numbers(pa.int32()), numbers(pa.int64()), split="test")
    run(make_job_of(data), "huggingface", tmp_path / "out")
    found = datasets.load_from_disk(str(tmp_path / "out"))
    assert found["train"].column_names == ["image", "label", "age", "box", "note"]
    assert found["train"]["age"] == [1, 2, 1.5, 2.5]
    assert found["train"]["box"] == [[1], [2], [1.5], None]
    assert found["train"]["note"] == [None, None, "x", "y"]
    assert found["test"]["label"] == [0, 1, 0, 1]
    run(make_job_of(data), "parquet", tmp_path / "table")
    tests = sorted((tmp_path / "table").rglob("test-*.parquet"))
    assert [pq.read_schema(file).field("label").type for file in tests] == [pa.int64()] * 2


def test_class_names_of_one_part_are_those_of_all(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    data = parts(tmp_path / "data", png, numbers(pa.int32()), numbers(pa.int64()))
    path = data / "data/train-00000-of-00002.parquet"
    told = {"image": {"_type": "Value", "dtype": "binary"}, "label": {"_type": "ClassLabel", "names": WORDS}}
    table = pq.read_table(path).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": told}})}
    )
    pq.write_table(table, path)
    run(make_job_of(data), "huggingface", tmp_path / "out")
    found = datasets.load_from_disk(str(tmp_path / "out"))["train"]
    assert found.features["label"].names == WORDS
    assert found["label"] == [0, 1, 0, 1]


def test_numbers_beside_text_are_said(make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    said: list[str] = []

    class Heard(Silent):
        def say(self, message: str) -> None:
            said.append(message)

    data = parts(tmp_path / "data", png, {"label": [0, 1], "x": [1, 2]}, {"label": [0, 1], "x": WORDS})
    run(dataclasses.replace(make_job_of(data), reporter=Heard()), "parquet", tmp_path / "out")
    assert said == [
        "column x is int64 and string in files of one split, which datasets does not read together"
    ]
    kinds = [pq.read_schema(file).field("x").type for file in sorted((tmp_path / "out").rglob("*.parquet"))]
    assert kinds == [pa.int64(), pa.string()]


def test_parts_that_are_alike_keep_their_schema(png: Any, tmp_path: Path) -> None:
    parts(tmp_path, png, words(pa.large_string()), words(pa.large_string()))
    schemas = [source_schema(path) for path in sorted((tmp_path / "data").iterdir())]
    assert joined(schemas).equals(schemas[0], check_metadata=True)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.int64(), pa.float32(), pa.float64()),
        (pa.null(), pa.string(), pa.string()),
        (pa.binary(), pa.large_binary(), pa.binary()),
        (pa.list_(pa.int32()), pa.list_(pa.int64(), 3), pa.list_(pa.int64())),
        (
            pa.struct({"a": pa.int8()}),
            pa.struct({"b": pa.string()}),
            pa.struct({"a": pa.int8(), "b": pa.string()}),
        ),
        (pa.int64(), pa.string(), None),
        (pa.bool_(), pa.int64(), None),
        (pa.string(), pa.binary(), None),
        (pa.struct({"a": pa.int8()}), pa.struct({"a": pa.string()}), None),
    ],
)
def test_wider(one: pa.DataType, other: pa.DataType, both: pa.DataType | None) -> None:
    assert wider(one, other) == both


def test_two_kinds_in_one_column_are_no_column() -> None:
    told = {b"huggingface": b'{"info": {"features": {}}}'}
    schemas = [pa.schema({"x": kind}, metadata=told) for kind in (pa.int64(), pa.string())]
    with pytest.raises(ApartError, match="column x is int64 and string"):
        joined(schemas)
