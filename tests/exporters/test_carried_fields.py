"""What a sample carries beside image and label goes along, in every direction, or is said to be left out."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import tarfile
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prune.core.errors import DataError
from prune.core.progress import Silent


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def write_shard(path: Path, samples: list[dict[str, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for i, members in enumerate(samples):
            for suffix, data in members.items():
                info = tarfile.TarInfo(f"{i:03d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def read_shards(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    return found


@pytest.fixture
def shards(tmp_path: Path, png: Any) -> Path:
    """Three samples with a caption, JSON, XML, a second image and numbers; the last lacks some."""
    (tmp_path / "shards").mkdir()
    whole = [
        {
            "png": png(2 * i + 1),
            "cls": b"%d" % (i % 2),
            "txt": f"a cät {i}".encode(),
            "json": json.dumps({"url": f"u{i}"}).encode(),
            "mask.png": png(20 + i),
            "npy": bytes([0, 255, i]),
        }
        for i in range(2)
    ]
    write_shard(tmp_path / "shards/a.tar", [*whole, {"png": png(5), "cls": b"0", "txt": b"three"}])
    return tmp_path / "shards"


@pytest.fixture
def table(tmp_path: Path, png: Any) -> Path:
    """Four rows with a caption, a number, a list, a second image and bytes."""
    (tmp_path / "table").mkdir()
    rows = {
        "image": [{"bytes": png(2 * i + 1), "path": None} for i in range(4)],
        "label": [0, 1, 0, 1],
        "caption": ["a", "b", None, "d"],
        "score": [0.5, 1.0, float("nan"), 2.0],
        "boxes": [[1, 2], [], None, [3]],
        "depth": [{"bytes": png(31 + 2 * i), "path": None} for i in range(4)],
        "raw": [b"\0\1"] * 4,
    }
    pq.write_table(pa.table(rows), tmp_path / "table/train.parquet")
    return tmp_path / "table"


@pytest.fixture
def folder(tmp_path: Path, png: Any) -> Path:
    """Classes with nested metadata, side files and one that belongs to no image."""
    root = tmp_path / "folder"
    for i in range(4):
        put(root / "cat" / f"{i}.png", png(2 * i + 1))
        put(root / "dog/deep" / f"{i}.png", png(2 * i + 21))
        put(root / "cat" / f"{i}.txt", f"cat {i}")
    put(root / "cat/0.boxes.json", "[1]")
    put(root / "cat/notes.txt", "of no image")
    put(root / "dog/deep/1.xml", "<a/>")
    put(
        root / "cat/metadata.csv",
        'file_name,id,caption\n0.png,007,"a, b"\n1.png,008,"line\nbreak"\n3.png,1.0,\n',
    )
    lines = [{"file_name": f"deep/{i}.png", "id": i, "boxes": [i]} for i in range(4)]
    put(root / "dog/metadata.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return root


@pytest.mark.parametrize("form", ["parquet", "huggingface"])
def test_members_become_columns(form: str, shards: Path, make_job_of: Any, run: Any, tmp_path: Path) -> None:
    run(make_job_of(shards), form, tmp_path / "out")
    import datasets

    rows = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert rows["txt"] == ["a cät 0", "a cät 1", "three"]
    assert [text and json.loads(text) for text in rows["json"]] == [{"url": "u0"}, {"url": "u1"}, None]
    assert list(rows["npy"]) == [b"\0\xff\0", b"\0\xff\1", None]
    assert [mask is None for mask in rows["mask.png"]] == [False, False, True]
    assert list(rows.features) == ["image", "label", "txt", "json", "mask.png", "npy", "__key__"]


def test_a_text_that_is_none_stays_as_its_bytes(make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    samples = [{"png": png(1), "cls": b"0", "txt": b"fine"}, {"png": png(3), "cls": b"1", "txt": b"\xff\xfe"}]
    write_shard(tmp_path / "data/a.tar", samples)
    run(make_job_of(tmp_path / "data"), "parquet", tmp_path / "out")
    table = pq.read_table(next((tmp_path / "out").rglob("*.parquet")))
    assert table["txt"].to_pylist() == [b"fine", b"\xff\xfe"]


def test_columns_become_members(table: Path, make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    run(make_job_of(table), "webdataset", tmp_path / "out")
    found = read_shards(tmp_path / "out")
    assert json.loads(found["00000000.json"]) == {"caption": "a", "score": 0.5, "boxes": [1, 2]}
    assert json.loads(found["00000002.json"]) == {"score": None}
    assert found["00000001.txt"] == b"b"
    assert "00000002.txt" not in found
    assert found["00000003.depth.png"] == png(37)
    assert found["00000003.raw.bin"] == b"\0\1"
    again = make_job_of(tmp_path / "out")
    assert list(again.payloads(again.rows)) == [png(2 * i + 1) for i in range(4)]
    assert again.dataset.labels.tolist() == [0, 1, 0, 1]


def test_lists_of_images_are_left_out_of_shards_and_said(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    views = [[{"bytes": png(5), "path": None}], None, []]
    rows = {"image": [png(2 * i + 1) for i in range(3)], "label": [0, 1, 0], "views": views, "n": [1, 2, 3]}
    pq.write_table(pa.table(rows), tmp_path / "data/train.parquet")
    said = Heard()
    run(dataclasses.replace(make_job_of(tmp_path / "data"), reporter=said), "webdataset", tmp_path / "out")
    assert said.said == ["a shard cannot hold lists of images or bytes; left out: views of 1 samples"]
    found = read_shards(tmp_path / "out")
    assert json.loads(found["00000000.json"]) == {"n": 1}
    assert json.loads(found["00000002.json"]) == {"views": [], "n": 3}


def test_a_folder_holds_what_is_no_image_and_says_the_rest(
    shards: Path, table: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    said = Heard()
    run(dataclasses.replace(make_job_of(shards), reporter=said), "imagefolder", tmp_path / "one")
    files = {str(p.relative_to(tmp_path / "one")) for p in (tmp_path / "one").rglob("*.*")}
    assert files == {
        *("0/000.png", "0/000.txt", "0/000.json", "0/000.npy", "0/002.png", "0/002.txt"),
        *("1/001.png", "1/001.txt", "1/001.json", "1/001.npy"),
    }
    assert "left out: mask.png of 2 samples" in said.said[-1]
    run(dataclasses.replace(make_job_of(table), reporter=said), "imagefolder", tmp_path / "two")
    assert "left out: depth of 4 samples, raw of 4 samples" in said.said[-1]
    lines = [json.loads(line) for line in (tmp_path / "two/metadata.jsonl").read_text().splitlines()]
    assert lines[0] == {
        "file_name": "0/00000000.png",
        "label": "0",
        "caption": "a",
        "score": 0.5,
        "boxes": [1, 2],
    }
    again = make_job_of(tmp_path / "two")
    assert again.dataset.classes == ["0", "1"]


def test_metadata_and_side_files_of_the_kept_images(
    folder: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    job = make_job_of(folder)
    keys = job.dataset.keys
    kept = [keys.index(key) for key in ("cat/0.png", "cat/1.png", "dog/deep/1.png")]
    run(dataclasses.replace(job, rows=job.rows[kept]), "imagefolder", tmp_path / "out")
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*")}
    assert files == {
        *("cat/0.png", "cat/0.txt", "cat/0.boxes.json", "cat/1.png", "cat/1.txt", "cat/metadata.csv"),
        *("dog/deep/1.png", "dog/deep/1.xml", "dog/metadata.jsonl"),
    }
    text = (tmp_path / "out/cat/metadata.csv").read_bytes().decode()
    assert text == 'file_name,id,caption\n0.png,007,"a, b"\n1.png,008,"line\nbreak"\n'
    line = json.loads((tmp_path / "out/dog/metadata.jsonl").read_text())
    assert line == {"file_name": "deep/1.png", "id": 1, "boxes": [1]}


def test_metadata_and_side_files_become_members_and_columns(
    folder: Path, make_job_of: Any, run: Any, tmp_path: Path
) -> None:
    run(make_job_of(folder), "webdataset", tmp_path / "out")
    found = read_shards(tmp_path / "out")
    assert json.loads(found["cat/0.json"]) == {"id": "007", "caption": "a, b"}
    assert found["cat/0.boxes.json"] == b"[1]"
    assert found["cat/0.txt"] == b"cat 0"
    assert found["dog/deep/1.xml"] == b"<a/>"
    run(make_job_of(folder), "parquet", tmp_path / "table")
    table = pq.read_table(next((tmp_path / "table").rglob("*.parquet")))
    rows = {row["__key__"]: row for row in table.to_pylist()}
    assert rows["cat/1.png"]["caption"] == "line\nbreak"
    assert rows["dog/deep/2.png"]["id"] == "2"
    assert rows["dog/deep/1.png"]["xml"] == "<a/>"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_labels_of_metadata_are_labels(
    suffix: str, make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    rows = [{"file_name": f"sub/{i}.png", "label": [10, 2][i % 2], "caption": f"c{i}"} for i in range(4)]
    for i in range(4):
        put(root / "sub" / f"{i}.png", png(2 * i + 1))
    if suffix == "csv":
        lines = [f"{r['file_name']},{r['label']},{r['caption']}" for r in rows]
        put(root / "metadata.csv", "\n".join(["file_name,label,caption", *lines]))
    elif suffix == "jsonl":
        put(root / "metadata.jsonl", "\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), root / "metadata.parquet")
    job = make_job_of(root)
    assert (job.dataset.classes, job.dataset.labels.tolist()) == (["2", "10"], [1, 0, 1, 0])
    assert list(job.dataset.sources) == [f"metadata.{suffix}"]
    run(dataclasses.replace(job, rows=job.rows[:2]), "imagefolder", tmp_path / "out")
    again = make_job_of(tmp_path / "out")
    assert (again.dataset.classes, again.dataset.labels.tolist()) == (["2", "10"], [1, 0])
    import datasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its files to the collector
        loaded = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train"
        )
        gc.collect()
    assert ([int(x) for x in loaded["label"]], list(loaded["caption"])) == ([10, 2], ["c0", "c1"])
    run(job, "parquet", tmp_path / "table")
    table = pq.read_table(next((tmp_path / "table").rglob("*.parquet")))
    assert table["label"].to_pylist() == [10, 2, 10, 2]


def test_masks_that_metadata_names_go_along(make_job_of: Any, run: Any, png: Any, tmp_path: Path) -> None:
    root = tmp_path / "data"
    lines = ["file_name,mask_file_name"]
    for i in range(3):
        put(root / f"{i}.png", png(2 * i + 1))
        put(root / ".masks" / f"{i}.png", png(2 * i + 41))
        lines.append(f"{i}.png,.masks/{i}.png")
    put(root / "metadata.csv", "\n".join(lines))
    job = make_job_of(root)
    run(dataclasses.replace(job, rows=job.rows[1:2]), "imagefolder", tmp_path / "out")
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*") if p.is_file()}
    assert files == {"1.png", ".masks/1.png", "metadata.csv"}


def test_metadata_that_cannot_be_read_is_one_sentence(make_job_of: Any, png: Any, tmp_path: Path) -> None:
    put(tmp_path / "data/a/1.png", png(1))
    for name, data in {
        "metadata.csv": b"\xff\xfe",
        "metadata.jsonl": b"{",
        "metadata.parquet": b"PAR1",
    }.items():
        put(tmp_path / "data" / name, data)
        with pytest.raises(DataError, match=rf"{name} cannot be read") as refused:
            make_job_of(tmp_path / "data")
        assert "\n" not in str(refused.value)
        (tmp_path / "data" / name).unlink()


def test_columns_beside_a_json_file_are_a_member_of_their_own(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    for i in range(3):
        put(root / "cat" / f"{i}.png", png(2 * i + 1))
    put(root / "cat/0.json", '{"box": 1}')
    put(root / "cat/0.txt", "beside")
    lines = [{"file_name": f"cat/{i}.png", "caption": f"c{i}", "n": i} for i in range(3)]
    put(root / "metadata.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    run(make_job_of(root), "webdataset", tmp_path / "out")
    found = read_shards(tmp_path / "out")
    assert found["cat/0.json"] == b'{"box": 1}'
    assert found["cat/0.txt"] == b"beside"
    held = [json.loads(found[f"cat/{i}.metadata.json"]) for i in range(3)]
    assert held == [{"caption": f"c{i}", "n": i} for i in range(3)]


def test_columns_that_metadata_needs_itself_have_another_name(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    rows = {
        "image": [png(1), png(3)],
        "label": [0, 1],
        "kind": ["a", "b"],
        "file_name": ["f0", "f1"],
        "filename": ["g0", "g1"],
        "mask_file_name": ["m0", "m1"],
    }
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table(rows), tmp_path / "data/train.parquet")
    run(make_job_of(tmp_path / "data", label_field="kind"), "imagefolder", tmp_path / "out")
    first = json.loads((tmp_path / "out/metadata.jsonl").read_text().splitlines()[0])
    assert first == {
        "file_name": "a/00000000.png",
        "label": "a",
        "other_label": 0,
        "filename": "f0",
        "other_filename": "g0",
        "mask_filename": "m0",
    }
    import datasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its files to the collector
        loaded = datasets.load_dataset(
            "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="train"
        )
        gc.collect()
    assert list(loaded["mask_filename"]) == ["m0", "m1"]


def test_a_list_of_labels_is_a_column_of_a_folder(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(
        pa.table({"image": [png(1), png(3)], "label": [[1, 2], []]}), tmp_path / "data/train.parquet"
    )
    run(make_job_of(tmp_path / "data"), "imagefolder", tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/metadata.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [[1, 2], []]


def test_an_image_of_any_suffix_is_no_second_sample(
    make_job_of: Any, run: Any, png: Any, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    write_shard(tmp_path / "data/a.tar", [{"png": png(1), "cls": b"0", "left": png(3), "emb": b"\0\1"}])
    said = Heard()
    run(dataclasses.replace(make_job_of(tmp_path / "data"), reporter=said), "imagefolder", tmp_path / "out")
    assert "left out: left of 1 samples" in said.said[-1]
    files = sorted(p.name for p in (tmp_path / "out").rglob("*.*"))
    assert files == ["000.emb", "000.png"]
