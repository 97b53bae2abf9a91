"""Exports to a bucket: the bytes of one made here, whole or not to be seen, and nothing of others touched."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import OptionError, OutputError, StoreError
from prune.store import Store
from prune.system.object_stores import uploads
from prune.system.object_stores.requests import look_up

from .test_reading import FORMATS, WRITE, bytes_below

Prune = Callable[..., Any]


@pytest.fixture
def chosen(elsewhere: Path, faults: Any) -> Callable[[str], None]:
    """Choose half of a dataset that lies here."""

    def made(kind: str) -> None:
        WRITE[kind](Path(kind))
        pipeline.embed(data=kind, **({} if kind == "lines" else {"encoder": "pixels"}))
        pipeline.select(method="kcenter", fraction=0.5, name="half")
        faults.asked.clear()

    return made


def there(outside: Any, bucket: str) -> dict[str, bytes]:
    root = bucket.removeprefix("s3://")
    return {name.removeprefix(f"{root}/"): outside.cat_file(name) for name in outside.find(bucket)}


def below(folder: str, *names: str) -> dict[str, bytes]:
    found = {name: bytes_below(f"{folder}/{name}") for name in names}
    return {f"{name}/{file}": data for name in names for file, data in found[name].items()}


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_sent_is_what_an_export_here_holds(
    chosen: Any, bucket: str, outside: Any, faults: Any, tmp_path: Path, kind: str
) -> None:
    chosen(kind)
    faults.on("PUT", "busy", "lost", "refuse")
    sent = pipeline.export(format=FORMATS[kind], out=f"{bucket}/a/out")
    assert sent["out"] == f"{bucket}/a/out"
    assert faults.waiting == []
    pipeline.export(format=FORMATS[kind], out="a/out")
    assert there(outside, bucket) == below(".", "a")
    assert not list((tmp_path / "cache").rglob("exports/*"))
    assert pipeline.verify(place=f"{bucket}/a/out")["exit_code"] == 0
    again = pipeline.export(format=FORMATS[kind], out=f"{bucket}/a/out")
    assert again["unchanged"]
    assert not sent["unchanged"]


def test_what_describes_class_folders_and_single_files_lies_beside_them(
    chosen: Any, bucket: str, outside: Any
) -> None:
    chosen("shards")
    pipeline.export(format="imagefolder", out=f"{bucket}/out")
    pipeline.export(format="imagefolder", out="a/out")
    assert there(outside, bucket) == below("a", "out", "out.prune")
    assert pipeline.verify(place=f"{bucket}/out")["exit_code"] == 0


def test_from_a_bucket_to_a_bucket_and_on_from_there(
    chosen: Any, bucket: str, outside: Any, elsewhere: Path
) -> None:
    chosen("shards")
    outside.put("shards/", f"{bucket}/in/", recursive=True)
    pipeline.embed("far", f"{bucket}/in", encoder="pixels")
    pipeline.select("far", method="kcenter", fraction=0.5, name="half")
    pipeline.export("far", format="webdataset", out=f"{bucket}/out")
    pipeline.export(format="webdataset", out="out")
    outside.rm(f"{bucket}/in", recursive=True)
    assert there(outside, bucket) == below(".", "out")
    pipeline.embed("next", f"{bucket}/out", encoder="pixels")
    assert len(Store("next").dataset) == 10


def test_an_index_that_names_shards_of_this_machine_goes_to_no_bucket(chosen: Any, bucket: str) -> None:
    chosen("shards")
    with pytest.raises(OptionError, match="these lie on this machine"):
        pipeline.export(format="wids", out=f"{bucket}/out")


def test_a_second_export_to_one_address_waits_or_is_refused(chosen: Any, bucket: str) -> None:
    from prune.exporters.staging import upload

    chosen("lines")
    with upload.alone(f"{bucket}/out", None):
        with pytest.raises(StoreError, match=rf"{bucket}/out is in use by pid \d+ on") as caught:
            pipeline.export(format="jsonl", out=f"{bucket}/out")
        assert "--wait" in caught.value.hint
        pipeline.export(format="jsonl", out=f"{bucket}/other")
    pipeline.export(format="jsonl", out=f"{bucket}/out")


def test_what_others_wrote_is_left_alone(chosen: Any, bucket: str, outside: Any, faults: Any) -> None:
    chosen("lines")
    outside.pipe_file(f"{bucket}/out/mine.txt", b"mine")
    with pytest.raises(OutputError, match="exists and is not a prune export"):
        pipeline.export(format="jsonl", out=f"{bucket}/out")
    pipeline.export(format="jsonl", out=f"{bucket}/other")
    outside.pipe_file(f"{bucket}/other/mine.txt", b"mine")
    with pytest.raises(OutputError, match=r"holds 'other/mine.txt', which prune did not write"):
        pipeline.export(format="jsonl", out=f"{bucket}/other", overwrite=True)
    assert outside.cat_file(f"{bucket}/other/mine.txt") == b"mine"
    assert there(outside, bucket)["out/mine.txt"] == b"mine"


def test_another_export_stays_unless_it_is_to_be_replaced(chosen: Any, bucket: str, outside: Any) -> None:
    chosen("shards")
    pipeline.export(format="parquet", out=f"{bucket}/out")
    before = there(outside, bucket)
    with pytest.raises(OutputError, match="holds another export"):
        pipeline.export(format="webdataset", out=f"{bucket}/out")
    assert there(outside, bucket) == before
    pipeline.export(format="webdataset", out=f"{bucket}/out", overwrite=True)
    pipeline.export(format="webdataset", out="out")
    assert there(outside, bucket) == below(".", "out")


def test_the_dataset_itself_is_not_replaced(chosen: Any, bucket: str, outside: Any) -> None:
    chosen("shards")
    pipeline.export(format="webdataset", out=f"{bucket}/in")
    before = there(outside, bucket)
    pipeline.embed("far", f"{bucket}/in", encoder="pixels")
    pipeline.select("far", method="kcenter", fraction=0.5, name="half")
    for place in ("in", "in/kept"):
        with pytest.raises(OutputError, match=r"is the dataset|exists and is not|prune did not write"):
            pipeline.export("far", format="webdataset", out=f"{bucket}/{place}", overwrite=True)
        assert there(outside, bucket) == before


def test_a_forked_process_leaves_the_connections_of_this_one_alone(
    chosen: Any, bucket: str, outside: Any, faults: Any
) -> None:
    chosen("shards")
    pipeline.export(format="webdataset", out=f"{bucket}/out")
    address = f"{bucket}/{min(there(outside, bucket))}"

    def ask() -> None:
        assert look_up(address) is not None
        gc.collect()

    worker = multiprocessing.get_context("fork").Process(target=ask)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    faults.asked.clear()
    assert look_up(address) is not None
    assert len(faults.asked) == 1  # more where no answer comes on a connection that the other closed


def test_what_is_gone_already_may_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def rm_file(self, address: str) -> None:
            raise FileNotFoundError(address)

    monkeypatch.setattr(uploads, "file_system", lambda _: Gone())
    uploads.remove("gs://bucket/x")


def test_damage_in_a_bucket_is_found(chosen: Any, bucket: str, outside: Any) -> None:
    chosen("lines")
    pipeline.export(format="jsonl", out=f"{bucket}/out")
    name = next(name for name in outside.find(f"{bucket}/out") if name.endswith(".jsonl"))
    outside.pipe_file(name, outside.cat_file(name)[::-1])
    found = pipeline.verify(place=f"{bucket}/out")
    assert found["exit_code"] == 4
    assert [one["kind"] for one in found["findings"] if one["kind"] != "note"] == ["damaged"]


def test_places_that_take_nothing(chosen: Any, faults: Any, bucket: str, prune: Prune) -> None:
    chosen("lines")
    for place in ("https://host/out", "hf://datasets/u/n"):
        with pytest.raises(OptionError, match="takes no export"):
            pipeline.export(format="jsonl", out=place)
    for place in (bucket, f"{bucket}/"):
        with pytest.raises(OptionError, match="is a bucket, and an export is a folder in one") as caught:
            pipeline.export(format="jsonl", out=place)
        assert caught.value.hint == f"--out {bucket}/pruned"
    faults.asked.clear()
    with pytest.raises(OptionError, match="with a password or a token") as caught:
        pipeline.export(format="jsonl", out=f"{bucket}/out?X-Amz-Signature=hunter2")
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert faults.asked == []
    with pytest.raises(OutputError):
        pipeline.export(format="jsonl", out="s3://no-such-bucket-here/out")
    said = prune("export", "--format", "jsonl", "--out", f"{bucket}/out")
    assert said.code == 0, said.err
    assert f"in {bucket}/out" in said.out
