"""What is exported is read by the libraries that read the format, with the labels and ids of the source."""

from __future__ import annotations

import dataclasses
import io
import tarfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from prune.core.errors import OptionError
from prune.core.progress import Silent

SOURCES = ["imagefolder", "webdataset", "parquet", "arrow", "arrays"]
Facts = dict[bytes, int]  # pixels -> class id


pytestmark = pytest.mark.usefixtures("other_libraries")


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def facts(job: Any) -> Facts:
    labels = job.dataset.labels[job.rows].tolist()
    return {pixels(data): label for data, label in zip(job.payloads(job.rows), labels, strict=True)}


def by_torchvision(out: Path, **options: Any) -> Facts:
    return {image.convert("RGB").tobytes(): label for image, label in ImageFolder(str(out), **options)}


def by_timm(out: Path) -> Facts:
    from timm.data.readers.img_extensions import add_img_extensions, is_img_extension
    from timm.data.readers.reader_image_folder import ReaderImageFolder

    if not is_img_extension(".bmp"):
        add_img_extensions(".bmp")
    reader = ReaderImageFolder(str(out))
    return {pixels(reader[at][0].read()): reader[at][1] for at in range(len(reader))}


def by_webdataset(out: Path, workers: int) -> Facts:
    import torch
    import webdataset as wds

    shards = sorted(map(str, out.rglob("*.tar")))
    loader = torch.utils.data.DataLoader(
        wds.WebDataset(shards, shardshuffle=False), batch_size=None, num_workers=workers
    )
    images = ("png", "bmp", "jpg")
    return {pixels(next(s[n] for n in images if n in s)): int(s["cls"]) for s in loader}


def by_datasets(out: Path, form: str, cache: Path) -> Facts:
    load = datasets.load_from_disk if form == "from_disk" else datasets.load_dataset
    found = load(str(out)) if form == "from_disk" else load(str(out), cache_dir=str(cache))
    return {row["image"].convert("RGB").tobytes(): row["label"] for row in found["train"]}


@pytest.mark.parametrize("source", SOURCES)
def test_folders(source: str, make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job(source)
    run(job, "imagefolder", tmp_path / "out")
    assert by_torchvision(tmp_path / "out") == facts(job)
    assert by_torchvision(tmp_path / "out", allow_empty=True) == facts(job)
    assert by_timm(tmp_path / "out") == facts(job)
    if source in ("imagefolder", "arrays"):  # the others have columns and members, and a label of text
        loaded = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train"
        )
        assert {r["image"].convert("RGB").tobytes(): r["label"] for r in loaded} == facts(job)


@pytest.mark.parametrize("source", ["webdataset", "parquet"])
@pytest.mark.parametrize("workers", [0, 2, 4])
def test_shards(source: str, workers: int, make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job(source, range(13))
    run(job, "webdataset", tmp_path / "out", layout="repack")
    assert by_webdataset(tmp_path / "out", workers) == facts(job)


def test_a_default_export_of_few_shards_serves_two_workers(make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job("webdataset", [0, 1, 2, 4])  # all of one shard
    run(job, "webdataset", tmp_path / "out")
    assert by_webdataset(tmp_path / "out", 2) == facts(job)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("form", "how"), [("parquet", "load"), ("huggingface", "load"), ("huggingface", "from_disk")]
)
def test_tables(source: str, form: str, how: str, make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job(source)
    run(job, form, tmp_path / "out")
    assert by_datasets(tmp_path / "out", how, tmp_path / "cache") == facts(job)


def shard(path: Path, labels: list[object], png: Any, name: str = "cls") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for i, label in enumerate(labels):
            for suffix, data in (("png", png(i)), (name, str(label).encode()), ("txt", b"a %d" % i)):
                info = tarfile.TarInfo(f"{i:04d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def heard(job: Any) -> tuple[Any, Heard]:
    reporter = Heard()
    return dataclasses.replace(job, reporter=reporter), reporter


def test_ten_does_not_come_before_two(make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    job, said = heard(make_job_of(shard(tmp_path / "s.tar", [i % 12 for i in range(24)], png)))
    run(job, "imagefolder", tmp_path / "out")
    assert by_torchvision(tmp_path / "out") == by_timm(tmp_path / "out") == facts(job)
    assert ImageFolder(str(tmp_path / "out")).classes == [f"{i:02d}" for i in range(12)]
    assert "class folders are called '00' for '0'" in said.said[0]


@pytest.mark.parametrize("names", [["zebra", "ant", "bee"], ["Zebra", "ant", "bee"], ["1", "10", "2"]])
def test_names_that_sort_otherwise_have_their_ids_in_front(
    names: list[str], make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    shard(tmp_path / "data/s.tar", [0, 1, 2, 0], png)
    (tmp_path / "data/classnames.txt").write_text("".join(f"{name}\n" for name in names))
    job = make_job_of(tmp_path / "data")
    run(job, "imagefolder", tmp_path / "out")
    assert by_torchvision(tmp_path / "out") == by_timm(tmp_path / "out") == facts(job)
    listed = (tmp_path / "out.prune/classes.csv").read_text().splitlines()
    assert listed[:2] == ["folder,class,id,samples", f"0_{names[0]},{names[0]},0,2"]


@pytest.mark.parametrize("source", ["imagefolder", "webdataset"])
def test_a_class_that_keeps_nothing(source: str, make_job: Any, run: Any, tmp_path: Path) -> None:
    job, said = heard(make_job(source, [6, 8, 9]))  # all of class 1
    with pytest.raises(OptionError, match="1 of 2 classes keep no sample") as stopped:
        run(job, "imagefolder", tmp_path / "out")
    assert "--empty-classes keep" in stopped.value.hint
    run(job, "imagefolder", tmp_path / "kept", empty_classes="keep")
    assert by_torchvision(tmp_path / "kept", allow_empty=True) == facts(job)
    assert any("allow_empty=True" in line for line in said.said)
    run(job, "imagefolder", tmp_path / "fewer", empty_classes="drop")
    assert set(by_torchvision(tmp_path / "fewer").values()) == {0}
    rows = (tmp_path / "fewer.prune/classes.csv").read_text().splitlines()[1:]
    assert [row.split(",")[2:] for row in rows] == [["0", "0"], ["1", "3"]]


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_numbers_with_gaps_stay_numbers(
    form: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    labels = [0, 4, 2, 10]
    job = make_job_of(shard(tmp_path / "s.tar", labels, png))
    wanted = {pixels(png(i)): label for i, label in enumerate(labels)}
    run(job, "parquet", tmp_path / "table")
    assert by_datasets(tmp_path / "table", "load", tmp_path / "cache") == wanted
    if form == "webdataset":
        run(make_job_of(tmp_path / "table"), form, tmp_path / "out")
        assert by_webdataset(tmp_path / "out", 0) == wanted
    with pytest.raises(OptionError, match="7 of 11 classes keep no sample"):
        run(job, "imagefolder", tmp_path / "folder")


def test_shards_that_keep_nothing_are_said_and_the_others_numbered_on(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    for number in range(6):
        with tarfile.open(shard(tmp_path / f"data/x-{number:03d}.tar", [number % 2], png), "a"):
            pass
        path = tmp_path / f"data/x-{number:03d}.tar"
        with tarfile.open(path, "w") as tar:
            for suffix, data in (("png", png(number)), ("cls", b"%d" % (number % 2))):
                info = tarfile.TarInfo(f"{number:04d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    job, said = heard(make_job_of(tmp_path / "data"))
    job = dataclasses.replace(job, rows=np.array([0, 2, 3, 4, 5]))
    run(job, "webdataset", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").glob("*.tar")) == [f"x-{i:03d}.tar" for i in range(5)]
    assert said.said == [
        "1 of 6 shards keeps no sample and is left out: the others are called x-000.tar to x-004.tar"
    ]
    assert by_webdataset(tmp_path / "out", 4) == facts(job)


@pytest.mark.parametrize("form", ["webdataset", "parquet", "huggingface", "imagefolder"])
@pytest.mark.parametrize("source", ["imagefolder", "webdataset", "parquet"])
def test_weights_travel(source: str, form: str, make_job: Any, run: Any, tmp_path: Path) -> None:
    job = make_job(source)
    weights = (np.arange(len(job)) / 4).astype(np.float32)
    job = dataclasses.replace(job, weights=weights)
    wanted = {pixels(data): float(w) for data, w in zip(job.payloads(job.rows), weights, strict=True)}
    out = tmp_path / "out"
    run(job, form, out)
    if form == "webdataset":
        import webdataset as wds

        samples = wds.WebDataset(sorted(map(str, out.rglob("*.tar"))), shardshuffle=False)
        found = {pixels(s.get("png") or s["bmp"]): float(s["weight"]) for s in samples}
    elif form == "imagefolder":
        lines = (tmp_path / "out.prune/weights.csv").read_text().splitlines()[1:]
        rows = [line.rsplit(",", 1) for line in lines]
        found = {pixels((out / name).read_bytes()): float(weight) for name, weight in rows}
    else:
        table = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
        found = {row["image"].convert("RGB").tobytes(): row["weight"] for row in table}
    assert found == wanted


def test_other_splits_have_weights_too(make_job: Any, run: Any, tmp_path: Path) -> None:
    job = dataclasses.replace(make_job("parquet"), weights=np.full(7, 2, np.float32))
    run(job, "parquet", tmp_path / "out")
    table = pq.read_table(tmp_path / "out/data/test-00000-of-00001.parquet")
    assert table["weight"] == pa.chunked_array([pa.array([1.0] * 3, pa.float32())])


def test_files_that_an_image_folder_does_not_list_are_counted(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    for name in ("1.png", "2.png?w=300", "3", "4.gif", "5.PNG"):
        path = tmp_path / "data/cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(2 * int(name[0]) + 1))
    job, said = heard(make_job_of(tmp_path / "data"))
    run(job, "imagefolder", tmp_path / "out", link="sym")
    listed = len(ImageFolder(str(tmp_path / "out")))
    assert listed == 2
    assert said.said[-1].startswith(
        "3 of 5 files are not read by torchvision's ImageFolder, which goes by the suffix (1 without a"
        " suffix, 1 .gif, 1 .png?w=300): cat/2.png?w=300, cat/3, cat/4.gif; --format parquet"
    )
    assert said.said[-1].endswith("copies, without --link, have the suffix of their bytes")


def test_the_list_of_suffixes_is_torchvisions() -> None:
    from torchvision.datasets.folder import IMG_EXTENSIONS

    from prune.exporters.unread_suffixes import TORCHVISION

    assert {f".{suffix}" for suffix in TORCHVISION} == set(IMG_EXTENSIONS)
