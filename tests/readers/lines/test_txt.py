from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prune.core.errors import DataError
from prune.core.progress import SILENT, Reporter
from prune.readers import open_reader, recognise
from prune.readers.lines.txt import labels_by_name
from prune.readers.scan import scan
from prune.store import Dataset


def put(root: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = root / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def scanned(path: Path, reporter: Reporter = SILENT, **options: Any) -> Dataset:
    return scan(open_reader(str(path), **options), path.parent / "scans", reporter)


def test_a_line_is_a_sample(tmp_path: Path) -> None:
    path = put(tmp_path, a=b"\xef\xbb\xbfone\r\n\r\n  \nfo\0ur\n\xff\nsix") / "a.txt"
    dataset = scanned(path)
    assert dataset.keys == ["a.txt:1", "a.txt:4", "a.txt:5", "a.txt:6"]
    assert dataset.rejects == {2: "the line is not UTF-8"}
    sound = dataset.samples.filter(dataset.samples["reason"].is_null())
    assert list(open_reader(str(path)).payloads(sound)) == ["one", "fo\0ur", "six"]
    assert (dataset.classes, dataset.modality) == ([], "text")


@pytest.mark.parametrize(
    ("names", "of", "labels"),
    [
        (["pos.txt", "neg.txt.gz"], "files", ["pos", "neg"]),
        (["pos/0.txt", "pos/1.txt", "neg/0.txt"], "folders", ["pos", "pos", "neg"]),
        (["train/pos.txt", "train/neg.txt"], "files", ["pos", "neg"]),
        (["train/pos/a.txt", "train/neg/b.txt"], "folders", ["pos", "neg"]),
        (["train_pos.txt", "train_neg.txt"], "files", ["pos", "neg"]),
        (["part-0.txt", "part-1.txt"], "", []),
        (["part-00000-of-00002.txt", "part-00001-of-00002.txt"], "", []),
        (["shard1.txt", "shard2.txt"], "", []),
        (["wiki_00.txt", "wiki_01.txt"], "", []),
        (["train.txt", "pos.txt"], "", []),
        (["pos.txt"], "", []),
    ],
)
def test_labels_are_names_that_are_words(names: list[str], of: str, labels: list[str]) -> None:
    assert labels_by_name(names) == (of, dict(zip(names, labels, strict=False)))


def test_labels_by_file_are_said_and_left_out_on_demand(tmp_path: Path) -> None:
    root = put(tmp_path / "d", pos=b"good\nfine\n", neg=b"bad\n", README=b"about\n")
    said: list[str] = []

    class Heard(type(SILENT)):  # type: ignore[misc]
        def say(self, message: str) -> None:
            said.append(message)

    dataset = scanned(root, Heard())
    assert (dataset.classes, dataset.labels.tolist()) == (["neg", "pos"], [0, 1, 1])
    assert said == ["labels are the names of files: --no-labels reads none"]
    assert scanned(root, no_labels=True).classes == []


def test_a_file_that_is_added_gives_the_first_its_label(tmp_path: Path) -> None:
    root = put(tmp_path / "d", pos=b"good\n")
    assert scanned(root).classes == []
    assert scanned(put(root, neg=b"bad\n")).labels.tolist() == [0, 1]


def test_splits_are_those_of_the_names(tmp_path: Path) -> None:
    root = put(
        tmp_path / "d", train__pos=b"good\n", train__neg=b"bad\n", test__pos=b"fine\n", test__neg=b"no\n"
    )
    assert scanned(root).keys == ["train/neg.txt:1", "train/pos.txt:1"]
    assert scanned(root, split="test").keys == ["test/neg.txt:1", "test/pos.txt:1"]


def test_notes_alone_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no dataset"):
        recognise(str(put(tmp_path / "d", README=b"x\n", classes=b"cat\n")))


def test_text_beside_data_is_a_note(images: Path, tmp_path: Path) -> None:
    assert recognise(str(put(images, words=b"x\n", more=b"x\n"))) == "imagefolder"
    root = put(tmp_path / "d", more=b"x\n")
    (root / "a.jsonl").write_bytes(b'{"text": "x"}\n')
    assert recognise(str(root)) == "jsonl"


@pytest.mark.parametrize("name", ["a.jsonl", "b.csv.gz", "c.txt.zst"])
def test_patterns_are_recognised_by_what_they_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    known = {"a": "jsonl", "b": "csv", "c": "txt"}[name[0]]
    assert recognise(str(tmp_path / f"*{name[1:]}")) == known
    assert recognise(str(tmp_path / f"?{name[1:]}")) == known
    assert recognise(str(tmp_path / f"none*{name[1:]}")) == known
