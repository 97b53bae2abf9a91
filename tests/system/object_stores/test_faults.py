"""Answers that are slow, short, lost or another object's: asked again, or refused; uploads that break off."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prune import pipeline
from prune.core.errors import DataError, OutputError, StoreError
from prune.exporters import EXPORTERS
from prune.store import Store
from prune.system import contents
from prune.system.object_stores import file_systems
from prune.system.object_stores.listing import mirrored

from .test_export import below, chosen, there
from .test_http import Files, web
from .test_hub import HOME, Hub, hub
from .test_reading import FORMATS, WRITE, bytes_below, chain, picture

__all__ = ["chosen", "hub", "web"]  # fixtures

DATA = bytes(range(256)) * 64  # four blocks


@pytest.mark.parametrize("line", ["GET bytes=", "HEAD x.bin"])
def test_a_slow_answer_is_asked_for_again(
    bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    outside.pipe_file(f"{bucket}/x.bin", DATA)
    monkeypatch.setattr(file_systems, "_READ", 1.0)
    faults.on(line, "silent", "silent")
    assert contents.whole(mirrored(f"{bucket}/x.bin")) == DATA
    assert faults.waiting == []


def test_bytes_that_come_with_another_etag_are_refused(bucket: str, outside: Any, faults: Any) -> None:
    outside.pipe_file(f"{bucket}/x.bin", DATA)
    content = contents.opened(mirrored(f"{bucket}/x.bin"))
    assert content.read(0, 10) == DATA[:10]
    faults.on("GET bytes=", "other")
    with pytest.raises(DataError, match=r"x\.bin changed while it was read"):
        content.read(8000, 5000)


def write_large(folder: Path) -> None:
    """A shard of samples of fifty blocks each: a picture, a caption and JSON, then what nobody asks for."""
    folder.mkdir()
    with tarfile.open(folder / "0.tar", "w") as tar:
        for number in range(6):
            members = {"png": picture(number), "txt": b"number %d" % number, "cls": b"%d" % (number % 2)}
            members |= {"json": b'{"n": %d}' % number, "bin": bytes(200_000)}
            for suffix, data in members.items():
                info = tarfile.TarInfo(f"{number}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("form", ["dali", "wids", "energon"])
def test_an_index_over_shards_of_a_bucket_fetches_few_of_their_bytes(
    elsewhere: Path, bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    write_large(Path("large"))
    outside.put("large/", f"{bucket}/large/", recursive=True)
    monkeypatch.setenv("PRUNE_CACHE_SIZE", "0")
    for store, place in (("near", "large"), ("far", f"{bucket}/large")):
        pipeline.embed(store, place, encoder="pixels")
        pipeline.select(store, method="random", count=3, name="some")
        faults.asked.clear()
        pipeline.export(store, format=form, out=f"from-{store}")
    spans = [re.search(r"bytes=(\d+)-(\d+)", line) for line in faults.asked]
    fetched = sum(int(span[2]) + 1 - int(span[1]) for span in spans if span)
    assert fetched < Path("large/0.tar").stat().st_size / 2
    assert set(bytes_below("from-near")) == set(bytes_below("from-far"))


def test_the_chain_with_slow_answers_equals_the_one_from_here(
    elsewhere: Path, bucket: str, outside: Any, faults: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_large(Path("large"))
    outside.put("large/", f"{bucket}/large/", recursive=True)
    monkeypatch.setattr(file_systems, "_READ", 1.0)
    faults.on("GET bytes=", "silent", *["other"] * 9)  # a look at the form of the data passes over errors
    with pytest.raises(DataError, match="changed while it was read"):
        chain(f"{bucket}/large", "shards", "there", "from-there")
    faults.waiting.clear()
    faults.on("GET bytes=", "silent", "drop")
    chain(f"{bucket}/large", "shards", "there", "from-there")
    chain("large", "shards", "here", "from-here")
    assert bytes_below("from-there") == bytes_below("from-here")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_chain_from_the_hub_equals_the_one_from_here(hub: type[Hub], kind: str) -> None:
    WRITE[kind](Path("there") / kind)
    hub.faults += ["short", "busy", "drop"]
    chain(f"{HOME}/{kind}", kind, "far", "from-far")
    assert hub.faults == []
    chain(f"there/{kind}", kind, "near", "from-near")
    assert bytes_below("from-far") == bytes_below("from-near")
    assert len({Store(name).state["dataset"] for name in ("far", "near")}) == 1


@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_upload_that_broke_off_is_no_export_and_goes_on(
    chosen: Any, bucket: str, outside: Any, faults: Any, at: int
) -> None:
    chosen("shards")
    puts: list[str] = []

    def kill(line: str) -> None:
        if line.startswith("PUT"):
            puts.append(line)
            if len(puts) > at:
                faults.waiting[:] = [("", "busy")] * 50

    faults.before = kill
    with pytest.raises(OutputError, match="cannot be written"):
        pipeline.export(format="webdataset", out=f"{bucket}/out")
    faults.before = None
    faults.waiting.clear()
    left = there(outside, bucket)
    assert "out/.prune-export/export.json" not in left
    assert len(left) <= at
    if left:
        with pytest.raises(DataError, match="is an export that is not finished"):
            pipeline.embed("next", f"{bucket}/out", encoder="pixels")
        with pytest.raises(StoreError, match="is an export that is not finished"):
            pipeline.verify(place=f"{bucket}/out")
    faults.asked.clear()
    pipeline.export(format="webdataset", out=f"{bucket}/out")
    sent_again = [name for name in left if faults.count("PUT", f"/{name}")]
    assert sent_again in ([], ["out/.prune-export/upload.json"])
    pipeline.export(format="webdataset", out="out")
    assert there(outside, bucket) == below(".", "out")


EVERY = [name for name, form in EXPORTERS.items() if not form.by_epoch]


KINDS = {"imagefolder": "shards", **dict.fromkeys(("dali", "energon", "wids", "webdataset"), "shards")}


LEFT = {"datacomp", "dolma", "wids"}  # of data with uids, of documents, and of shards that lie in a bucket


@pytest.mark.parametrize("form", [name for name in EVERY if name not in LEFT])
def test_a_broken_upload_of_any_form_is_not_to_be_seen(
    chosen: Any, bucket: str, outside: Any, faults: Any, form: str
) -> None:
    chosen(KINDS.get(form, "lines"))
    puts: list[str] = []

    def kill(line: str) -> None:
        puts.extend([line] * line.startswith("PUT"))
        if len(puts) > 2:
            faults.waiting[:] = [("", "busy")] * 50

    faults.before = kill
    with pytest.raises(OutputError, match="cannot be written"):
        pipeline.export(format=form, out=f"{bucket}/out")
    faults.before = None
    faults.waiting.clear()
    left = there(outside, bucket)
    assert len(left) == 2
    assert not any(name.endswith("/export.json") for name in left)
    with pytest.raises(StoreError, match="is an export that is not finished"):
        pipeline.verify(place=f"{bucket}/out")
    pipeline.export(format=form, out=f"{bucket}/out")
    pipeline.export(format=form, out="a/out")
    assert there(outside, bucket) == below("a", *(path.name for path in Path("a").iterdir()))


def test_an_export_from_another_machine_ends_this_one(
    chosen: Any, bucket: str, outside: Any, faults: Any
) -> None:
    chosen("shards")

    def interfere(line: str) -> None:
        if line.startswith("PUT") and ".tar" in line:
            faults.before = None
            plan = json.dumps({"identity": "another", "files": {}, "earlier": [], "sender": "x"})
            outside.pipe_file(f"{bucket}/out/.prune-export/upload.json", plan.encode())

    faults.before = interfere
    with pytest.raises(OutputError, match=f"another command is sending an export to {bucket}/out"):
        pipeline.export(format="webdataset", out=f"{bucket}/out")
    assert "out/.prune-export/export.json" not in there(outside, bucket)


def test_what_was_made_and_never_sent_is_held_to_the_bound(
    chosen: Any, bucket: str, faults: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen("lines")
    faults.on("PUT", *["busy"] * 50)
    with pytest.raises(OutputError, match="cannot be written"):
        pipeline.export(format="jsonl", out=f"{bucket}/never")
    faults.waiting.clear()
    stages = list((tmp_path / "cache").rglob("exports/*"))
    assert len(stages) == 1
    monkeypatch.setenv("PRUNE_CACHE_SIZE", "100")
    pipeline.export(format="jsonl", out=f"{bucket}/out")
    assert list((tmp_path / "cache").rglob("exports/*")) == stages  # it may be sent within the hour
    for path in (stages[0], *stages[0].rglob("*")):
        os.utime(path, (0, 0))
    pipeline.export(format="jsonl", out=f"{bucket}/another")
    assert not list((tmp_path / "cache").rglob("exports/*"))


def test_parts_of_a_killed_upload_are_given_up(chosen: Any, bucket: str, outside: Any, faults: Any) -> None:
    chosen("lines")
    name = bucket.removeprefix("s3://")
    for key in ("out/a.jsonl", "others/x"):
        outside.call_s3("create_multipart_upload", Bucket=name, Key=key)
    plan = {"identity": "another", "files": {"out/a.jsonl": 1, "others/y": 1}, "earlier": ["others/y"]}
    outside.pipe_file(f"{bucket}/others/y", b"mine")
    outside.pipe_file(f"{bucket}/out/.prune-export/upload.json", json.dumps(plan).encode())
    pipeline.export(format="jsonl", out=f"{bucket}/out")
    begun = outside.call_s3("list_multipart_uploads", Bucket=name).get("Uploads", [])
    assert [one["Key"] for one in begun] == ["others/x"]
    assert outside.cat_file(f"{bucket}/others/y") == b"mine"  # whatever a description says


def test_a_slow_server_is_asked_again(web: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    address, folder = web
    (folder / "x.bin").write_bytes(DATA)
    path = mirrored(f"{address}/x.bin", [f"{address}/x.bin"])
    monkeypatch.setattr(file_systems, "_READ", 1.0)
    Files.slow = [4.0, 4.0]
    assert contents.whole(path) == DATA
    assert Files.slow == []


def quicker(faults: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, export: Callable[[], Any]) -> None:
    """Before the first plan is written, another machine exports."""

    def another(line: str) -> None:
        if line.startswith("PUT") and "upload.json" in line:
            faults.before = None
            with monkeypatch.context() as patch:
                patch.setenv("PRUNE_CACHE", str(tmp_path / "another machine"))
                export()

    faults.before = another


@pytest.mark.parametrize("begun", [False, True])
def test_of_two_that_begin_at_once_one_is_there_whole(
    chosen: Any,
    bucket: str,
    outside: Any,
    faults: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    begun: bool,
) -> None:
    chosen("shards")
    if begun:  # a killed upload has left its plan
        plan = {"identity": "third", "files": {"out/old.tar": 3}, "earlier": [], "sender": "x"}
        outside.pipe_file(f"{bucket}/out/.prune-export/upload.json", json.dumps(plan).encode())
        outside.pipe_file(f"{bucket}/out/old.tar", b"old")
    quicker(faults, monkeypatch, tmp_path, lambda: pipeline.export(format="parquet", out=f"{bucket}/out"))
    with pytest.raises(OutputError, match=f"another command is sending an export to {bucket}/out"):
        pipeline.export(format="webdataset", out=f"{bucket}/out")
    pipeline.export(format="parquet", out="out")
    assert there(outside, bucket) == below(".", "out")


def test_what_comes_late_of_an_upload_that_was_replaced_does_not_stay(
    chosen: Any, bucket: str, outside: Any, faults: Any
) -> None:
    chosen("shards")
    plan = {"identity": "third", "files": {"out/old.tar": 3}, "earlier": [], "sender": "x"}
    outside.pipe_file(f"{bucket}/out/.prune-export/upload.json", json.dumps(plan).encode())

    def late(line: str) -> None:
        if line.startswith("PUT") and ".tar" in line:
            faults.before = None
            outside.pipe_file(f"{bucket}/out/old.tar", b"old")

    faults.before = late
    pipeline.export(format="webdataset", out=f"{bucket}/out")
    pipeline.export(format="webdataset", out="out")
    assert there(outside, bucket) == below(".", "out")
