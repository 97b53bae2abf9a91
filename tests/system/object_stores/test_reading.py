"""Every verb on data in a bucket: the same bytes as on the same data here, also with faults on the way."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune import pipeline
from prune.core.errors import DataError, OptionError, StoreError
from prune.store import Store, read_selection

Prune = Callable[..., Any]
FORMATS = {"shards": "webdataset", "tables": "parquet", "lines": "jsonl"}


def picture(number: int) -> bytes:
    sink, draw = io.BytesIO(), np.random.default_rng(number)
    Image.fromarray(draw.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(sink, "PNG")
    return sink.getvalue()


def write_shards(folder: Path) -> None:
    folder.mkdir()
    for shard in range(2):
        with tarfile.open(folder / f"a-{shard}.tar", "w") as tar:
            for number in range(10 * shard, 10 * shard + 10):
                members = {"png": picture(number), "cls": b"%d" % (number % 2)}
                for suffix, data in members.items():
                    info = tarfile.TarInfo(f"{number}.{suffix}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    (folder / "classnames.txt").write_text("cat\ndog\n")


def write_tables(folder: Path) -> None:
    folder.mkdir()
    for name, count in (("train", 16), ("test", 4)):
        rows = [{"bytes": picture(number), "path": None} for number in range(count)]
        table = pa.table({"image": rows, "label": [number % 2 for number in range(count)]})
        pq.write_table(table, folder / f"{name}-00000-of-00001.parquet", row_group_size=5)


def write_lines(folder: Path) -> None:
    folder.mkdir()
    texts = [f"the {number}th text speaks of {number * 7 % 5} things" for number in range(20)]
    rows = [{"text": text, "label": "ab"[place % 2]} for place, text in enumerate(texts)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


WRITE = {"shards": write_shards, "tables": write_tables, "lines": write_lines}


@pytest.fixture
def data(elsewhere: Path, bucket: str, outside: Any, faults: Any) -> Callable[[str], str]:
    """Write a dataset here and to the bucket; return its address."""

    def written(kind: str) -> str:
        WRITE[kind](Path(kind))
        outside.put(f"{kind}/", f"{bucket}/{kind}/", recursive=True)
        faults.asked.clear()
        return f"{bucket}/{kind}"

    return written


def chain(place: str, kind: str, store: str, out: str) -> None:
    embed = {} if kind == "lines" else {"encoder": "pixels"}
    pipeline.embed(store, place, **embed)
    pipeline.select(store, method="kcenter", fraction=0.5)
    pipeline.export(store, format=FORMATS[kind], out=out)


def bytes_below(folder: str) -> dict[str, bytes]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", FORMATS)
def test_the_chain_from_a_bucket_equals_the_one_from_here(data: Any, faults: Any, kind: str) -> None:
    place = data(kind)
    faults.on("GET bytes=", "drop", "busy", "short", "refuse")
    faults.on("GET list-type", "busy")
    faults.on("HEAD", "refuse")
    chain(place, kind, "there", "from-there")
    assert faults.waiting == []
    chain(kind, kind, "here", "from-here")
    assert bytes_below("from-there") == bytes_below("from-here")
    fingerprints = {Store(name).state["dataset"] for name in ("here", "there")}
    assert len(fingerprints) == 1
    assert pipeline.verify("there")["exit_code"] == 0
    assert pipeline.verify("there")["source"]


def test_what_is_kept_knows_the_address_and_reads_nothing_twice(data: Any, faults: Any) -> None:
    place = data("shards")
    pipeline.embed("there", place, encoder="pixels")
    faults.asked.clear()
    pipeline.embed("there", encoder="pixels")
    assert faults.count("GET", "bytes=") == 0
    kept = b"".join(path.read_bytes() for path in Path("there").rglob("*.json"))
    assert place.encode() in kept
    assert b"prune-objects" not in kept


@pytest.mark.parametrize("pattern", ["a-*.tar", "a-{0..1}.tar", "a-0.tar"])
def test_patterns_name_the_same_samples(data: Any, pattern: str) -> None:
    place = data("shards")
    pipeline.embed("there", f"{place}/{pattern}", encoder="pixels")
    pipeline.embed("here", f"shards/{pattern}", encoder="pixels")
    assert Store("there").dataset.samples.equals(Store("here").dataset.samples)
    assert Store("there").dataset.classes == Store("here").dataset.classes


def test_an_object_that_changed_makes_the_store_stale(data: Any, outside: Any) -> None:
    place = data("shards")
    pipeline.embed("there", place, encoder="pixels")
    pipeline.select("there", method="random", count=5)
    outside.pipe_file(f"{place}/a-0.tar", Path("shards/a-1.tar").read_bytes())
    with pytest.raises(StoreError, match="stale: a-0.tar changed"):
        pipeline.export("there", format="webdataset", out="out")
    assert not Path("out").exists()


def test_the_same_bytes_under_another_etag_are_the_same_dataset(data: Any, outside: Any) -> None:
    place = data("lines")
    pipeline.embed("there", place)
    before = Store("there").state["dataset"]
    parts = {"chunksize": 5 << 20}
    outside.put_file("lines/a.jsonl", f"{place}/a.jsonl", **parts, StorageClass="STANDARD")
    pipeline.embed("there")
    assert Store("there").state["dataset"] == before


def changing(faults: Any, outside: Any, place: str, *words: str) -> None:
    """Let an object become another one just before the first request with these words is answered."""

    def change(line: str) -> None:
        if all(word in line for word in words):
            faults.before = None
            outside.pipe_file(f"{place}/a-1.tar", Path("shards/a-0.tar").read_bytes())

    faults.before = change


def test_an_object_that_changes_while_it_is_read_is_refused(data: Any, faults: Any, outside: Any) -> None:
    place = data("shards")
    changing(faults, outside, place, "GET", "a-1.tar", "bytes=")
    with pytest.raises(DataError, match="a-1.tar changed while it was read"):
        pipeline.embed("there", place, encoder="pixels")


def test_an_object_that_changes_while_it_is_exported_is_refused(data: Any, faults: Any, outside: Any) -> None:
    place = data("shards")
    pipeline.embed("there", place, encoder="pixels")
    pipeline.select("there", method="random", count=12)
    changing(faults, outside, place, "HEAD", "a-1.tar")
    with pytest.raises(StoreError, match="stale: a-1.tar changed while it was read"):
        pipeline.export("there", format="webdataset", out="out")
    assert not Path("out").exists()


def test_other_data_at_addresses(data: Any, bucket: str, outside: Any) -> None:
    place = data("tables")
    pipeline.embed("there", place, encoder="pixels")
    keys = Store("there").dataset.samples["key"].to_pylist()
    pq.write_table(pa.table({"key": keys, "mine": np.arange(len(keys), dtype=np.float32)}), "s.parquet")
    np.save("wanted.npy", np.ones((2, 192), np.float32))
    for name in ("s.parquet", "wanted.npy"):
        outside.put_file(name, f"{bucket}/{name}")
    pipeline.score("there", imports=f"{bucket}/s.parquet")
    assert Store("there").column("score.mine").read().tolist() == list(range(len(keys)))
    test = "test-00000-of-00001.parquet"
    pipeline.embed("here", "tables", encoder="pixels")
    for far, near in ((f"{bucket}/wanted.npy", "wanted.npy"), (f"{place}/{test}", f"tables/{test}")):
        pipeline.select("there", method="gio", count=4, target=far, name="near")
        pipeline.select("here", method="gio", count=4, target=near, name="near")
        keys = [read_selection(Store(name), "near").rows.tolist() for name in ("there", "here")]
        assert keys[0] == keys[1]
    found = pipeline.check("there", no_leak=[f"{place}/test-00000-of-00001.parquet"])
    assert found["exit_code"] == 5  # they are rows of the training set, too


def test_folders_of_pictures_and_arrays_are_refused_in_one_sentence(bucket: str, outside: Any) -> None:
    outside.pipe_file(f"{bucket}/cats/a/1.png", picture(1))
    outside.pipe_file(f"{bucket}/cats/b/2.png", picture(2))
    outside.pipe_file(f"{bucket}/x.npy", b"\x93NUMPY")
    for place in (f"{bucket}/cats", f"{bucket}/x.npy"):
        with pytest.raises(OptionError, match="read file by file, so from this machine only"):
            pipeline.embed("there", place, encoder="pixels")
    assert not Path("there").exists()


def test_what_a_user_reads_names_addresses_and_no_secret(data: Any, prune: Prune, bucket: str) -> None:
    place = data("shards")
    said = prune("embed", place, "--encoder", "pixels", "--store", "there")
    assert said.code == 0
    assert f"{place}: 20 samples, 2 classes (webdataset)" in said.err
    missing = prune("embed", f"{bucket}/none", "--store", "x")
    assert missing.code == 3
    assert f"no data at {bucket}/none" in missing.err
    for one in (said, missing, prune("status", "--store", "there", "--json")):
        assert "prune-objects" not in one.out + one.err
        assert "hunter2" not in one.out + one.err


def test_a_library_that_is_missing_is_named(faults: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module, extra, place in (("s3fs", "s3", "s3://b/x"), ("gcsfs", "gcs", "gs://b/x")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(OptionError, match="needs a library that is not installed") as caught:
            pipeline.embed("there", place)
        assert caught.value.hint == f"pip install 'dataset-prune[{extra}]'"


def test_too_many_faults_are_said_in_two_lines(data: Any, faults: Any, prune: Prune) -> None:
    place = data("lines")
    faults.on("GET bytes=", *["busy"] * 30)
    said = prune("embed", place, "--store", "there")
    assert said.code == 3
    assert f"{place}/a.jsonl cannot be read" in said.err
    assert "Traceback" not in said.err
