"""Rows of docs/data.md about labels in files, shards, tables, and formats that are not read."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TWO = {"cat": 2, "dog": 2}
NAMES = ("cat", "dog", "cat", "dog")


def with_table(name: str, header: str, row: str) -> Callable[..., Path]:
    """Four pictures in `train/`, and a table of their labels beside it."""

    def build(make: Any, root: Path) -> Path:
        make.folder(root / "train", "0001.png", "0002.png", "0003.png", "0004.png")
        rows = [row.format(number=n + 1, label=label) for n, label in enumerate(NAMES)]
        make.put(root / name, "\n".join([*([header] if header else []), *rows]).encode())
        return root / "train"

    return build


def lines(field: str) -> Callable[..., Path]:
    """Four lines of JSON with a text each."""

    def build(make: Any, root: Path) -> Path:
        objects = [{"id": n, field: f"{n} is {label}", "sentiment": label} for n, label in enumerate(NAMES)]
        return make.put(root / "reviews.jsonl", "\n".join(map(json.dumps, objects)).encode())

    return build


def captioned(make: Any, root: Path) -> Path:
    make.folder(root, *(f"{label}/{n}.png" for n, label in enumerate(NAMES)))
    make.put(root / "captions.jsonl", b'{"text": "a cat"}\n')
    return root


def with_parquet(make: Any, root: Path) -> Path:
    make.folder(root / "train", "0001.png", "0002.png", "0003.png", "0004.png")
    table = pa.table({"image_id": [1, 2, 3, 4], "label": [3.0, None, 5.0, 3.0]})
    pq.write_table(table, root / "labels.parquet")
    return root / "train"


def arrays(labels: Any) -> Callable[..., Path]:
    def build(make: Any, root: Path) -> Path:
        del make
        root.mkdir()
        np.save(root / "x.npy", np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8))
        np.save(root / "x_labels.npy", np.array(labels))
        return root / "x.npy"

    return build


def shard(*members: Callable[[int], tuple[str, Any]], shards: int = 1) -> Callable[..., Path]:
    """Shards of four samples; each member is `name, content` of a number, or a picture without content."""

    def build(make: Any, root: Path) -> Path:
        for s in range(shards):
            held = {}
            for n in range(4):
                for member in members:
                    name, content = member(n)
                    picture = make.picture(97 * s + 10 * n + len(name))
                    held[name] = picture if content is None else str(content).encode()
            make.tar(root / f"s-{s}.tar", **held)
        return root

    return build


def png(n: int) -> tuple[str, Any]:
    return f"{n}__png", None


def table_of(*parts: dict[str, Any]) -> Callable[..., Path]:
    """Parquet files of one split; `PICTURES` stands for four encoded pictures."""

    def build(make: Any, root: Path) -> Path:
        root.mkdir()
        for p, columns in enumerate(parts):
            made = {
                name: [make.picture(10 * p + n) for n in range(4)] if values is PICTURES else values
                for name, values in columns.items()
            }
            pq.write_table(pa.table(made), root / f"train-0000{p}-of-0000{len(parts)}.parquet")
        return root

    return build


PICTURES = object()


def cache(bytes_inside: bool) -> Callable[..., Path]:
    def build(make: Any, root: Path) -> Path:
        pictures = make.folder(root.parent / "pictures", "1.png", "2.png", "3.png", "4.png")
        held = [
            {"bytes": make.picture(n) if bytes_inside else None, "path": str(pictures / f"{n}.png")}
            for n in range(1, 5)
        ]
        root.mkdir()
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        table = pa.table({"image": pa.array(held, image), "label": list(NAMES)})
        path = str(root / "pets-train.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
            out.write_table(table)
        make.put(root / "dataset_info.json", b"{}")
        return root

    return build


def compressed(make: Any, root: Path) -> Path:
    path = make.tar(root / "a.tar", **{"1__png": make.picture(1), "1__cls": b"0"})
    make.put(root / "a.tar.gz", gzip.compress(path.read_bytes()))
    path.unlink()
    return root


def zipped(make: Any, root: Path) -> Path:
    root.mkdir()
    with zipfile.ZipFile(root / "pets.zip", "w") as archive:
        archive.writestr("cat/1.png", make.picture(1))
    return root / "pets.zip"


def empty(name: str) -> Callable[..., Path]:
    return lambda make, root: make.put(root / name, b"\1" * 64).parent


def captions(n: int) -> tuple[str, Any]:
    return f"{n}__json", json.dumps({"label": f"a small picture of number {n} on the wall"})


ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`train/0001.png` and `labels.csv` with `id,breed`": (
        with_table("labels.csv", "id,breed", "{number:04d},{label}"),
        {"words": ["--labels", "{root}/labels.csv"], "n": 4, "classes": TWO},
    ),
    "the same with file names, semicolons and no header": (
        with_table("labels.csv", "", "{number:04d}.png;{label}"),
        {"words": ["--labels", "{root}/labels.csv"], "n": 4, "classes": TWO},
    ),
    "the same as `.tsv` with paths from elsewhere": (
        with_table("labels.tsv", "Image Path\tlabel", "/kaggle/input/pets/train/{number:04d}.png\t{label}"),
        {"words": ["--labels", "{root}/labels.tsv"], "n": 4, "classes": TWO},
    ),
    "`labels.csv` with `id,kind,age`": (
        with_table("labels.csv", "id,kind,age", "{number:04d},{label},old"),
        {
            "words": ["--labels", "{root}/labels.csv"],
            "refused": "may hold the label: kind, age(.|\n)*--label-field kind",
        },
    ),
    "the same with `--label-field kind`": (
        with_table("labels.csv", "id,kind,age", "{number:04d},{label},old"),
        {"words": ["--labels", "{root}/labels.csv", "--label-field", "kind"], "n": 4, "classes": TWO},
    ),
    "`labels.parquet` as pandas writes it: ids without zeros, `3.0`, nothing": (
        with_parquet,
        {"words": ["--labels", "{root}/labels.parquet"], "n": 4, "classes": {"3": 2, "5": 1}},
    ),
    "the table of labels as DATA": (
        lambda make, root: with_table("l.csv", "id,y", "{number:04d},{label}")(make, root).parent / "l.csv",
        {
            "refused": r"a table names samples",
            "then": {"data": "{root}/train", "words": ["--labels", "{root}/l.csv"], "n": 4, "classes": TWO},
        },
    ),
    "`x.npy` `x_labels.npy` of the shape (n, 1), as floats": (
        arrays([[3.0], [1.0], [3.0], [1.0]]),
        {"n": 4, "classes": {"1": 2, "3": 2}},
    ),
    "labels 0, 1, … and -1": (arrays([0, -1, 1, 0]), {"n": 4, "classes": {"0": 2, "1": 1}}),
    "labels 1 and -1 only": (arrays([1, -1, 1, 1]), {"n": 4, "classes": {"-1": 1, "1": 3}}),
    "shards with a list of labels in `.json`": (
        shard(png, lambda n: (f"{n}__json", json.dumps({"label": [0, n % 2]}))),
        {"n": 4, "classes": {}},
    ),
    "shards with a caption as the label": (shard(png, captions), {"n": 4, "classes": {}}),
    "`1.rgb.png` `1.depth.png` in a shard": (
        shard(lambda n: (f"{n}__rgb.png", None), lambda n: (f"{n}__depth.png", None)),
        {
            "refused": "holds several images: rgb.png, depth.png",
            "then": {"words": ["--image-column", "rgb.png"], "n": 4, "classes": {}},
        },
    ),
    "shards that each count their keys from zero": (
        shard(png, lambda n: (f"{n}__cls", NAMES[n]), shards=2),
        {"n": 8, "classes": {"cat": 4, "dog": 4}},
    ),
    "parquet with `label` of int32 in one part and int64 in the other": (
        table_of(
            {"image": PICTURES, "label": pa.array([0, 1, 0, 1], pa.int32())},
            {"image": PICTURES, "label": pa.array([0, 1, 0, 1], pa.int64())},
        ),
        {"n": 8, "classes": {"0": 4, "1": 4}, "split": "train"},
    ),
    "the same with string, large_string and a dictionary": (
        table_of(
            {"image": PICTURES, "label": pa.array(NAMES, pa.string())},
            {"image": PICTURES, "label": pa.array(NAMES, pa.large_string())},
            {"image": PICTURES, "label": pa.array(NAMES).dictionary_encode()},
        ),
        {"n": 12, "classes": {"cat": 6, "dog": 6}, "split": "train"},
    ),
    "parquet with the pictures in `content`": (
        table_of({"path": ["a", "b", "c", "d"], "content": PICTURES, "label": list(NAMES)}),
        {
            "refused": "the only column of bytes is content",
            "then": {"words": ["--image-column", "content"], "n": 4, "classes": TWO, "split": "train"},
        },
    ),
    "parquet with a list in `label`": (
        table_of({"image": PICTURES, "label": [[0, 1], [1], [0], [1]]}),
        {"n": 4, "classes": {}, "split": "train"},
    ),
    "parquet with `fine_label` and `coarse_label`": (
        table_of({"image": PICTURES, "fine_label": [0, 1, 2, 3], "coarse_label": [0, 0, 1, 1]}),
        {
            "words": ["--label-field", "coarse_label"],
            "n": 4,
            "classes": {"0": 2, "1": 2},
            "split": "train",
        },
    ),
    "the cache of `datasets`: `pets-train.arrow`": (cache(True), {"n": 4, "classes": TWO, "split": "train"}),
    "the same where it only points to its pictures": (cache(False), {"refused": "save_to_disk"}),
    "`reviews.jsonl` with `text` and `sentiment`": (
        lines("text"),
        {"refused": "4 samples, 2 classes(.|\n)*dataset is of texts(.|\n)*prune embed .*--encoder ngrams"},
    ),
    "the same where lines have `body`": (
        lines("body"),
        {"words": ["--text-field", "body"], "refused": "4 samples, 2 classes(.|\n)*the dataset is of texts"},
    ),
    "`captions.jsonl` beside class folders": (
        captioned,
        {"n": 4, "classes": TWO, "passed_over": {".jsonl": 1}},
    ),
    "`a.tar.gz` `a.tgz` `a.tar.zst`": (compressed, {"refused": "compressed with gzip(.|\n)*gzip -dk"}),
    "`pets.zip`": (zipped, {"refused": "a zip archive(.|\n)*zipfile -e"}),
    "`.npz`": (empty("a.npz"), {"refused": "a numpy archive"}),
    "CIFAR batches (`data_batch_1`, `cifar-100-python/train`)": (empty("data_batch_1"), {"refused": "CIFAR"}),
    "MNIST (`train-images-idx3-ubyte.gz`)": (empty("t10k-images-idx3-ubyte"), {"refused": "an idx file"}),
    "`.pkl` `.pickle`": (empty("a.pkl"), {"refused": "a Python pickle(.|\n)*only if you trust it"}),
    "`.pt` `.pth`": (empty("a.pt"), {"refused": "torch.save"}),
    "`.mat`": (empty("a.mat"), {"refused": "a MATLAB file"}),
    "HDF5 (`.h5` `.hdf5`)": (empty("a.h5"), {"refused": "an HDF5 file"}),
    "LMDB (`data.mdb` `.lmdb`)": (empty("data.mdb"), {"refused": "an LMDB database"}),
    "TFRecord": (empty("a.tfrecord-00000-of-00001"), {"refused": "a TFRecord file"}),
    "MDS of MosaicML streaming": (empty("shard.00000.mds"), {"refused": "MDS"}),
    "FFCV (`.beton`)": (empty("a.beton"), {"refused": "FFCV"}),
    "RecordIO of MXNet (`.rec`)": (empty("a.rec"), {"refused": "RecordIO"}),
    "`.rar` `.7z`": (empty("a.7z"), {"refused": "a 7z archive"}),
    "`.feather` `.orc`": (empty("a.orc"), {"refused": "an ORC table"}),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])
