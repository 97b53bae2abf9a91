"""Exports of image folders beside one another: what describes them is data to no reader of their folder."""

from __future__ import annotations

import dataclasses
import gc
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prune.core.errors import OutputError
from prune.core.progress import Silent
from prune.readers import open_reader


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def records() -> dict[str, bytes]:
    """What describes a selection, a table among it."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"key": ["cat/00.bmp"], "image": [b"no image"]}), sink)
    return {"manifest.parquet": sink.getvalue(), "keys.txt": b"cat/00.bmp\n"}


@pytest.fixture
def root(make_job: Any, run: Any, records: dict[str, bytes], tmp_path: Path) -> Path:
    """The exports `train` and `val` in one folder."""
    job = dataclasses.replace(make_job("imagefolder", range(13)), records=records)
    run(job, "imagefolder", tmp_path / "root/train")
    run(dataclasses.replace(job, rows=np.array([1, 7, 8])), "imagefolder", tmp_path / "root/val")
    return tmp_path / "root"


@pytest.mark.parametrize(("split", "count"), [("train", 13), ("val", 3)])
def test_prune_reads_their_folder_as_splits(split: str, count: int, root: Path, make_job_of: Any) -> None:
    job = make_job_of(root, split=split)
    assert (job.reader.format, len(job), job.dataset.classes) == ("imagefolder", count, ["cat", "dog"])
    unit = next(iter(job.reader.units()))
    assert not unit.passed_over


def test_one_alone_and_all_folders_as_classes(root: Path, make_job_of: Any) -> None:
    shutil.rmtree(root / "val")
    shutil.rmtree(root / "val.prune")
    assert len(make_job_of(root / "train")) == 13
    job = make_job_of(root, as_="imagefolder")
    assert job.dataset.classes == ["train"]
    unit = next(iter(job.reader.units()))
    assert not unit.passed_over


def test_a_folder_of_that_name_that_describes_nothing_is_a_class(
    make_job_of: Any, png: Any, tmp_path: Path
) -> None:
    for name in ("fig", "fig.prune"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "1.png").write_bytes(png(1))
    assert make_job_of(tmp_path / "data").dataset.classes == ["fig", "fig.prune"]


def test_tables_beside_an_export_are_theirs_alone(
    root: Path, make_job: Any, run: Any, make_job_of: Any
) -> None:
    run(make_job("parquet"), "parquet", root / "tables")
    shutil.rmtree(root / "train")
    shutil.rmtree(root / "val")
    reader = open_reader(str(root), as_="huggingface", split="train")
    assert all(name.startswith("tables/") for unit in reader.units() for name in unit.files)


def test_datasets_reads_their_folder(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its files to the collector
        found = datasets.load_dataset("imagefolder", data_dir=str(root), cache_dir=str(tmp_path / "cache"))
        assert {name: len(split) for name, split in found.items()} == {"train": 13, "validation": 3}
        assert found["train"].features["label"].names == ["cat", "dog"]
        gc.collect()


def test_an_export_that_is_a_class_itself_is_told_of(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    for name in ("data/1.png", "classes/dog/2.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(png(1))
    said = Heard()
    job = dataclasses.replace(make_job_of(tmp_path / "data"), reporter=said)
    run(job, "imagefolder", tmp_path / "alone/cat")
    assert said.said == []
    run(job, "imagefolder", tmp_path / "classes/cat")
    assert said.said == [
        f"a reader that takes the folders in {tmp_path / 'classes'} for classes counts cat.prune as one:"
        f" move that away before, and back for prune verify {tmp_path / 'classes/cat'}"
    ]


@pytest.mark.parametrize(
    ("out", "said", "hint"),
    [
        ("source", "is the dataset", "source-pruned"),
        ("source/new", "lies in the dataset", "new"),
        ("source/taken", "lies in the dataset", "source-pruned"),
        (".", "holds the dataset", "source-pruned"),
        ("link", "is a symbolic link", "taken"),
    ],
)
def test_the_place_that_is_named_instead_is_free(
    out: str, said: str, hint: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    for name in ("source/cat/1.png", "source/dog/2.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(png(int(Path(name).stem)))
    (tmp_path / "taken").mkdir()
    (tmp_path / "link").symlink_to("taken")
    job = make_job_of(tmp_path / "source")
    with pytest.raises(OutputError, match=said) as refused:
        run(job, "imagefolder", tmp_path / out)
    word, place = refused.value.hint.split()
    assert word == "--out"
    assert Path(place).resolve() == tmp_path / hint
    assert run(job, "imagefolder", Path(place)).samples == 2
