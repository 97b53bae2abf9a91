from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.labels.values import settled
from prune.readers.scan import scan
from prune.store import Dataset


class Told:
    """A reporter that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.stage = SILENT.stage

    def say(self, message: str) -> None:
        self.said.append(message)


def shard(path: Path, *labels: object) -> str:
    with tarfile.open(path, "w") as tar:
        for row, label in enumerate(labels):
            held = [(f"{row}.png", f"{row}".encode())]
            held += [] if label is None else [(f"{row}.json", json.dumps({"label": label}).encode())]
            for name, data in held:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return str(path)


def parquet(path: Path, *labels: object) -> str:
    pq.write_table(pa.table({"image": [f"{n}".encode() for n in range(len(labels))], "label": labels}), path)
    return str(path)


def scanned(data: str, tmp_path: Path, **options: str) -> tuple[Dataset, list[str]]:
    told = Told()
    return scan(open_reader(data, **options), tmp_path / "scans", told), told.said


CAPTIONS = [f"a dog of {n} years sits on a mat" for n in range(5)]
LONG = [f"{caption}, and {'so ' * 30}on" for caption in CAPTIONS]
NO_CLASS = [
    [[0, 1], [1], [0], [1]],
    [{"a": 1}] * 4,
    [0.5, 1.5, 2.25, 0.5],
    CAPTIONS,
    LONG,
    [*LONG, "a dog", "a cat"],
]


@pytest.mark.parametrize("labels", NO_CLASS)
def test_what_is_no_class_is_said_and_rejects_nobody_in_shards(labels, tmp_path):
    dataset, said = scanned(shard(tmp_path / "a.tar", *labels), tmp_path)
    assert not dataset.rejects
    assert dataset.classes == []
    assert said[-1].startswith("no class labels")


@pytest.mark.parametrize("labels", [NO_CLASS[0], NO_CLASS[2], CAPTIONS, LONG])
def test_nor_in_parquet(labels, tmp_path):
    dataset, said = scanned(parquet(tmp_path / "a.parquet", *labels), tmp_path)
    assert not dataset.rejects
    assert dataset.classes == []
    assert said[-1].startswith("no class labels")


@pytest.mark.parametrize("make", [shard, parquet])
def test_a_field_that_was_chosen_is_a_class_all_the_same(make, tmp_path):
    data = make(tmp_path / ("a.tar" if make is shard else "a.parquet"), *CAPTIONS)
    field = "json.label" if make is shard else "label"
    assert scanned(data, tmp_path, label_field=field)[0].classes == sorted(CAPTIONS)


@pytest.mark.parametrize(
    "labels",
    [
        ["golden retriever dog", "maine coon cat"] * 3,
        ["pug", "boxer", "husky", "collie", "corgi"],
        ["a b c", "d e f"],
    ],
)
def test_names_of_classes_are_no_captions(labels, tmp_path):
    dataset, said = scanned(shard(tmp_path / "a.tar", *labels), tmp_path)
    assert dataset.classes == sorted(set(labels))
    assert not said


def test_one_list_among_classes_is_a_reject(tmp_path):
    dataset, _ = scanned(shard(tmp_path / "a.tar", "cat", "dog", ["cat", "dog"]), tmp_path)
    assert dataset.rejects == {2: "label is a list, neither text nor a whole number"}


@pytest.mark.parametrize(
    ("labels", "expected", "unknown"),
    [
        (["3.0", "10.0", None], ["3", "10", None], 0),
        (["3.0", "10", "3.5"], ["3.0", "10", "3.5"], 0),
        (["1.0", "b"], ["1.0", "b"], 0),
        (["0", "1", "-1", "-1"], ["0", "1", None, None], 2),
        (["0.0", "-1.0"], ["0", None], 1),
        (["1", "-1"], ["1", "-1"], 0),
        (["-1", "0", "x"], ["-1", "0", "x"], 0),
        ([None, None], [None, None], 0),
    ],
)
def test_whole_floats_are_whole_numbers_and_minus_one_is_none(labels, expected, unknown):
    texts, count = settled(pa.chunked_array([pa.array(labels, pa.string())]))
    assert (texts.to_pylist(), count) == (expected, unknown)


def test_a_file_of_labels_goes_before_those_of_the_data(tmp_path):
    (tmp_path / "l.csv").write_text("key,label\n0,cat\n1,dog\n")
    dataset, said = scanned(shard(tmp_path / "a.tar", 5, [6], 7), tmp_path, labels=str(tmp_path / "l.csv"))
    assert (dataset.classes, dataset.labels.tolist(), dataset.rejects) == (["cat", "dog"], [0, 1, -1], {})
    assert said == [
        "labels of l.csv, column 'label', by 'key': 2 of 3 samples; 1 samples are not in it",
    ]


def test_a_changed_file_of_labels_makes_the_store_stale(tmp_path, prune, images):
    rows = [f"{path.relative_to(images)},{n % 2}" for n, path in enumerate(sorted(images.rglob("*.png")))]
    table = tmp_path / "l.csv"
    table.write_text("file,label\n" + "\n".join(rows))
    words = ["embed", "--encoder", "pixels", "--workers", 0, images, "--store", tmp_path / "s"]
    assert prune(*words, "--labels", table).code == 0
    assert prune("select", "--fraction", "0.5", "--store", tmp_path / "s").code == 0
    table.write_text("file,label\n" + "\n".join([*rows[:-1], rows[-1][:-1] + "0"]))
    said = prune("select", "--fraction", "0.5", "--store", tmp_path / "s")
    assert said.code == 4
    assert "has another label" in said.err
    table.unlink()
    assert prune(*words[:-2], "--labels", table, "--store", tmp_path / "s").code in {2, 4}
