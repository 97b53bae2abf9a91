"""Labels of a file of their own travel: the libraries read them from the export."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from prune.core.progress import Silent

NAMES = ["zebra", "ant", "bee"]  # of the label file
PLACES = [1, 0, 2, 1, 2, 0]  # of each sample in the sorted names; the source says 0, 1, 0, 1, …


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


pytestmark = pytest.mark.usefixtures("other_libraries")


def flat(root: Path, png: Any) -> Path:
    root.mkdir()
    for i in range(6):
        (root / f"{i:04d}.png").write_bytes(png(2 * i + 1))
    return root


def foldered(root: Path, png: Any) -> Path:
    for i in range(6):
        path = root / "ab"[i % 2] / f"{i:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(2 * i + 1))
        path.with_suffix(".txt").write_text(f"no {i}")
    return root


def sharded(*more: Callable[[int], tuple[str, bytes]], names: str = "") -> Callable[[Path, Any], Path]:
    def make(root: Path, png: Any) -> Path:
        root.mkdir()
        for shard in range(2):
            with tarfile.open(root / f"{shard}.tar", "w") as tar:
                for i in range(3 * shard, 3 * shard + 3):
                    for suffix, data in (("png", png(2 * i + 1)), *(member(i) for member in more)):
                        info = tarfile.TarInfo(f"x/{i:04d}.{suffix}")
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
        if names:
            (root / "classnames.txt").write_text(names)
        return root

    return make


def cls(i: int) -> tuple[str, bytes]:
    return "cls", b"%d" % (i % 2)


def tabled(**columns: Any) -> Callable[[Path, Any], Path]:
    def make(root: Path, png: Any) -> Path:
        (root / "data").mkdir(parents=True)
        keys = [f"{i:04d}.png" for i in range(6)]
        held = {"image": [png(2 * i + 1) for i in range(6)], "__key__": keys, **columns}
        for part in range(2):
            piece = {name: values[3 * part : 3 * part + 3] for name, values in held.items()}
            pq.write_table(pa.table(piece), root / f"data/train-{part:05d}-of-00002.parquet")
        return root

    return make


SOURCES = {
    "a flat folder": flat,
    "class folders": foldered,
    "shards without labels": sharded(),
    "shards with labels": sharded(cls, names="cat\ndog\n"),
    "shards with labels in json": sharded(lambda i: ("json", b'{"label": %d}' % (i % 2))),
    "tables without labels": tabled(),
    "tables with labels": tabled(label=[0, 1] * 3, note=list("abcdef")),
    "tables with labels of text": tabled(label=["x", "y"] * 3),
    "tables with other labels": tabled(fine_label=[0, 1] * 3),
}


def label_file(path: Path, labels: list[object]) -> Path:
    rows = [f"{i:04d}.png,{label}" for i, label in enumerate(labels) if label is not None]
    path.write_text("\n".join(["id,breed", *rows]) + "\n")
    return path


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def in_folders(out: Path, tmp_path: Path) -> dict[bytes, Any]:
    return {image.convert("RGB").tobytes(): label for image, label in ImageFolder(str(out))}


def in_shards(out: Path, tmp_path: Path) -> dict[bytes, Any]:
    import webdataset as wds

    shards = sorted(map(str, out.rglob("*.tar")))
    samples = list(wds.WebDataset(shards, shardshuffle=False))
    return {pixels(sample["png"]): int(sample["cls"]) if "cls" in sample else None for sample in samples}


def in_parquet(out: Path, tmp_path: Path) -> dict[bytes, Any]:
    return rows_of(datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"])


def on_disk(out: Path, tmp_path: Path) -> dict[bytes, Any]:
    return rows_of(datasets.load_from_disk(str(out))["train"])


def rows_of(found: Any) -> dict[bytes, Any]:
    found = found.cast_column("image", datasets.Image())
    return {row["image"].convert("RGB").tobytes(): row["label"] for row in found}


READ = {"imagefolder": in_folders, "webdataset": in_shards, "parquet": in_parquet, "huggingface": on_disk}


@pytest.fixture
def wanted(png: Any) -> dict[bytes, int]:
    return {pixels(png(2 * i + 1)): place for i, place in enumerate([2, 0, 1, 2, 1, 0])}


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("source", SOURCES)
def test_the_consumer_reads_the_labels_of_the_file(
    source: str, form: str, make_job_of: Any, run: Any, png: Any, wanted: Any, tmp_path: Path
) -> None:
    data = SOURCES[source](tmp_path / "data", png)
    texts = [sorted(NAMES)[place] for place in wanted.values()]
    job = make_job_of(data, labels=str(label_file(tmp_path / "breeds.csv", texts)))
    assert job.dataset.classes == sorted(NAMES)
    heard = Heard()
    run(dataclasses.replace(job, reporter=heard), form, tmp_path / "out")
    assert READ[form](tmp_path / "out", tmp_path) == wanted
    assert "the labels are those of breeds.csv, in place of any in the source" in heard.said
    again = make_job_of(tmp_path / "out")
    assert again.dataset.classes == sorted(NAMES)
    labels = again.dataset.labels[again.rows].tolist()
    images = map(pixels, again.payloads(again.rows))
    assert dict(zip(images, labels, strict=True)) == wanted


@pytest.mark.parametrize("form", ["webdataset", "huggingface"])
@pytest.mark.parametrize("source", ["a flat folder", "shards with labels", "tables with labels"])
def test_numbers_with_gaps_are_the_ids_and_some_have_no_label(
    source: str, form: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    numbers = [10, 2, None, 7, 2, 10]
    data = SOURCES[source](tmp_path / "data", png)
    job = make_job_of(data, labels=str(label_file(tmp_path / "l.csv", numbers)))
    run(job, form, tmp_path / "out")
    found = READ[form](tmp_path / "out", tmp_path)
    assert found == {pixels(png(2 * i + 1)): number for i, number in enumerate(numbers)}


def test_tables_hold_a_class_label_and_every_other_column(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    data = SOURCES["tables with labels"](tmp_path / "data", png)
    job = make_job_of(data, labels=str(label_file(tmp_path / "l.csv", [NAMES[i % 3] for i in range(6)])))
    run(job, "huggingface", tmp_path / "out")
    found = datasets.load_from_disk(str(tmp_path / "out"))["train"]
    assert found.features["label"].names == sorted(NAMES)
    assert found.column_names == ["image", "__key__", "label", "note"]
    assert found["note"] == list("abcdef")


def test_shards_keep_their_other_members_and_name_the_classes(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    data = sharded(cls, lambda i: ("txt", b"no %d" % i), names="cat\ndog\n")(tmp_path / "data", png)
    labels = label_file(tmp_path / "l.csv", [NAMES[i % 3] for i in range(6)])
    job = dataclasses.replace(
        make_job_of(data, labels=str(labels)), weights=np.arange(6, dtype=np.float32) / 4
    )
    run(job, "webdataset", tmp_path / "out")
    assert (tmp_path / "out/classnames.txt").read_text() == "ant\nbee\nzebra\n"
    with tarfile.open(sorted((tmp_path / "out").rglob("*.tar"))[0]) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    first = {name: held[f"x/0000.{name}"] for name in ("png", "txt", "cls", "weight")}
    assert first == {"png": png(1), "txt": b"no 0", "cls": b"2", "weight": b"0.0"}


@pytest.mark.parametrize("link", ["copy", "hard", "sym"])
def test_class_folders_of_a_file_take_side_files_along(
    link: str, make_job_of: Any, run: Any, png: Any, wanted: Any, tmp_path: Path
) -> None:
    data = foldered(tmp_path / "data", png)
    texts = [sorted(NAMES)[place] for place in wanted.values()]
    job = make_job_of(data, labels=str(label_file(tmp_path / "l.csv", texts)))
    run(job, "imagefolder", tmp_path / "out", link=link)
    assert in_folders(tmp_path / "out", tmp_path) == wanted
    assert (tmp_path / "out/zebra/0000.png").is_symlink() == (link == "sym")
    assert (tmp_path / "out/zebra/0000.txt").read_text() == "no 0"
    listed = (tmp_path / "out.prune/classes.csv").read_text().splitlines()
    assert listed == ["folder,class,id,samples", "ant,ant,0,2", "bee,bee,1,2", "zebra,zebra,2,2"]


def test_other_splits_have_the_column_and_it_is_said(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    data = SOURCES["tables with labels"](tmp_path / "data", png)
    shutil.copy(data / "data/train-00000-of-00002.parquet", data / "data/test-00000-of-00001.parquet")
    job = make_job_of(data, labels=str(label_file(tmp_path / "l.csv", [NAMES[i % 3] for i in range(6)])))
    heard = Heard()
    run(dataclasses.replace(job, reporter=heard), "huggingface", tmp_path / "out")
    assert "labels are those of train alone; without labels: test" in heard.said
    found = datasets.load_from_disk(str(tmp_path / "out"))
    assert found["test"].features == found["train"].features
    assert found["test"]["label"] == [None] * 3


@pytest.mark.parametrize("form", READ)
@pytest.mark.parametrize("source", ["shards with labels", "shards with labels in json", "tables with labels"])
def test_without_labels_the_export_keeps_those_of_the_source(
    source: str, form: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    data = SOURCES[source](tmp_path / "data", png)
    job = make_job_of(data, no_labels=True)
    assert job.dataset.classes == []
    run(job, form, tmp_path / "out")
    if form == "imagefolder":
        beside = [path.read_text() for path in sorted((tmp_path / "out").glob("*.cls"))]
        beside += [json.loads(p.read_text())["label"] for p in sorted((tmp_path / "out").glob("0*.json"))]
        if (tmp_path / "out/metadata.jsonl").exists():
            lines = (tmp_path / "out/metadata.jsonl").read_text().splitlines()
            beside += [json.loads(line)["label"] for line in lines]
        assert [int(label) for label in beside] == [0, 1] * 3
    elif form in ("parquet", "huggingface") and source == "shards with labels in json":
        table = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
        assert [json.loads(text)["label"] for text in table["json"]] == [0, 1] * 3
    else:
        again = make_job_of(tmp_path / "out")
        assert again.dataset.labels.tolist() == [0, 1] * 3


@pytest.mark.parametrize("form", READ)
def test_labels_of_a_field_that_was_named(
    form: str, make_job_of: Any, run: Any, png: Any, wanted: Any, tmp_path: Path
) -> None:
    texts = [sorted(NAMES)[place] for place in wanted.values()]
    data = tabled(label=[0, 1] * 3, breed=texts)(tmp_path / "data", png)
    job = make_job_of(data, label_field="breed")
    run(job, form, tmp_path / "out")
    if form in ("imagefolder", "webdataset"):
        assert READ[form](tmp_path / "out", tmp_path) == wanted
    if form == "imagefolder":
        lines = (tmp_path / "out/metadata.jsonl").read_text().splitlines()
        assert [json.loads(line)["other_label"] for line in lines] == [0, 1] * 3
    if form == "webdataset":
        with tarfile.open(min((tmp_path / "out").rglob("*.tar"))) as tar:
            held = tar.extractfile("0001.json")
            assert held is not None
            assert json.loads(held.read()) == {"label": 1}
    if form in ("parquet", "huggingface"):  # the columns are those of the source
        again = make_job_of(tmp_path / "out", label_field="breed")
        assert again.dataset.labels.tolist() == list(wanted.values())
