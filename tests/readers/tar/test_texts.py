"""Shards of texts: which members hold the text, what becomes of several, and samples without one."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prune.core.content import content_digest
from prune.core.errors import DataError, OptionError
from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.store import Dataset

ABOUT = {"title": "T", "body": "B", "meta": {"by": "me"}, "sentiment": "good"}


def shard(path: Path, *samples: Mapping[str, Any]) -> Path:
    """Write samples of members by their extensions; what is no bytes is JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number, sample in enumerate(samples):
            for extension, value in sample.items():
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                info = tarfile.TarInfo(f"{number}.{extension}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def read(path: Path, **options: Any) -> tuple[Dataset, list[str]]:
    """Return a dataset of texts, and the texts of the samples that are sound."""
    reader = open_reader(str(path), **options)
    dataset = scan(reader, path.parent / "scans", SILENT, keep=False)
    assert dataset.modality == "text"
    sound = dataset.samples.filter(dataset.samples["reason"].is_null())
    texts = list(reader.payloads(sound))
    assert sound["digest"].to_pylist() == [content_digest(text.encode()) for text in texts]
    assert sound["image_size"].to_pylist() == [len(text.encode()) for text in texts]
    return dataset, texts


@pytest.mark.parametrize(
    ("sample", "options", "text"),
    [
        ({"txt": "é\n".encode(), "cls": b"1"}, {}, "é\n"),
        ({"TXT": b"x", "json": {"text": "no"}}, {}, "x"),
        ({"txt": b"\xef\xbb\xbfx"}, {}, "x"),
        ({"text": b"x"}, {}, "x"),
        ({"json": {"text": "x"}}, {}, "x"),
        ({"json": {"messages": [{"content": "a"}, {"content": "b"}]}}, {}, "a\nb"),
        ({"txt": b"no", "json": ABOUT}, {"text_field": "body"}, "B"),
        ({"txt": b"no", "json": ABOUT}, {"text_field": "json.meta.by"}, "me"),
        ({"txt": b"x", "json": ABOUT}, {"text_field": "title,txt"}, "T\nx"),
        ({"txt": b"x", "json": ABOUT}, {"template": "{title}: {txt}"}, "T: x"),
        ({"txt": b"no", "caption.txt": b"x"}, {"text_field": "caption.txt"}, "x"),
        ({"png": b"no", "txt": b"x"}, {"text_field": "txt"}, "x"),
    ],
)
def test_the_text_of_a_sample(
    sample: dict[str, Any], options: dict[str, str], text: str, tmp_path: Path
) -> None:
    dataset, texts = read(shard(tmp_path / "a.tar", sample, sample), **options)
    assert texts == [text, text]
    assert dataset.keys == ["0", "1"]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ({"txt": b"\xff"}, "its .txt is not UTF-8"),
        ({"txt": b""}, "its .txt is empty"),
        ({"cls": b"1"}, "has no text (members: cls)"),
        ({"json": b"{"}, "its .json is not JSON"),
        ({"json": b"[" * 100_000}, "its .json is not JSON"),
        ({"json": [1]}, "no text in the field text or content"),
        ({"json": {"title": "x"}}, "the fields are title"),
    ],
)
def test_a_sample_without_a_text_says_why(sample: dict[str, Any], reason: str, tmp_path: Path) -> None:
    dataset, texts = read(shard(tmp_path / "a.tar", {"txt": b"x"}, sample, {"txt": b"y"}))
    assert reason in dataset.rejects[1]
    assert (len(dataset.rejects), texts) == (1, ["x", "y"])


def test_labels_are_members_or_fields(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", {"txt": b"x", "cls": b"0"}, {"txt": b"y", "cls": b"1"})
    assert read(path)[0].labels.tolist() == [0, 1]
    assert read(path, no_labels=True)[0].labels.tolist() == [-1, -1]
    path = shard(
        tmp_path / "b.tar", {"txt": b"x", "json": ABOUT}, {"txt": b"y", "json": {"sentiment": "bad"}}
    )
    assert read(path)[0].classes == ["bad", "good"]
    assert read(path, label_field="json.title")[0].classes == ["T"]


def test_shards_with_a_picture_among_the_first_samples_are_of_pictures(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", {"txt": b"x"}, {"txt": b"y", "png": b"z"})
    assert open_reader(str(path)).modality == "image"
    assert read(path, text_field="txt")[1] == ["x", "y"]
    late = shard(tmp_path / "b.tar", *[{"txt": b"x"}] * 3, {"seg": b"z"})
    assert list(read(late)[0].rejects) == [3]


def test_an_empty_shard_before_the_others_says_nothing(tmp_path: Path) -> None:
    for number, samples in enumerate([[], [{"txt": b"x"}]]):
        shard(tmp_path / "d" / f"{number}.tar", *samples)
    assert read(tmp_path / "d")[1] == ["x"]


def test_what_was_scanned_and_is_another_shard_now_is_said(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", {"json": {"text": "x"}}, {"json": {"text": "y"}})
    reader = open_reader(str(path))
    samples = scan(reader, tmp_path / "scans", SILENT, keep=False).samples
    shard(path, {"jsn": {"text": "x"}}, {"json": {"text": "y"}})
    with pytest.raises(DataError, match="has changed"):
        list(reader.payloads(samples))


def test_a_picture_and_a_made_text_cannot_both_be_the_sample(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", {"txt": b"x", "png": b"z"})
    with pytest.raises(OptionError, match="both say what a sample is"):
        open_reader(str(path), template="{txt}", image_column="png")
    assert open_reader(str(path), text_field="txt", image_column="png").modality == "image"


def test_a_label_of_texts_is_not_asked_for(tmp_path: Path) -> None:
    found = shard(tmp_path / "a.tar", {"txt": b"x", "json": {"sentiment": "bad", "domain": "news"}})
    assert open_reader(str(found)).remarks == []
    none = shard(tmp_path / "b.tar", {"txt": b"x", "json": {"domain": "news"}})
    assert "--label-field json.domain" in open_reader(str(none)).remarks[0]
