"""Rows of docs/data.md about fields of labels by other names, patterns, and tars of folders."""

from __future__ import annotations

import gzip
import io
import json
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from prune.store import Store

KINDS = ("cat", "dog", "cat", "dog")
TWO = {"cat": 2, "dog": 2}
EMBED = ("--encoder", "pixels", "--workers", 0)


def shards(*fields: dict[str, Any]) -> Callable[..., Path]:
    """A shard of samples with these objects in `.json`."""

    def build(make: Any, root: Path) -> Path:
        held = {}
        for n, found in enumerate(fields):
            held |= {f"{n}__png": make.picture(n), f"{n}__json": json.dumps(found).encode()}
        make.tar(root / "0.tar", **held)
        return root

    return build


def parquet(*names: str, read: str = "", **columns: Any) -> Callable[..., Path]:
    """Parquet files of four rows each; `read` is the pattern that is typed."""

    def build(make: Any, root: Path) -> Path:
        root.mkdir()
        for number, name in enumerate(names):
            pictures = [make.picture(10 * number + n) for n in range(4)]
            pq.write_table(pa.table({"image": pictures, **columns}), root / name)
        return root / read

    return build


def described(name: str, *rows: dict[str, Any]) -> Callable[..., Path]:
    """Four pictures with a file of metadata."""

    def build(make: Any, root: Path) -> Path:
        make.folder(root, *(f"{n}.png" for n in range(4)))
        named = [{"file_name": f"{n}.png", **row} for n, row in enumerate(rows)]
        write(root / name, named)
        return root

    return build


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        table = [list(rows[0]), *(list(row.values()) for row in rows)]
        path.write_text("\n".join(",".join(f'"{value}"' for value in row) for row in table))


def labelled(name: str, values: list[Any]) -> Callable[..., Path]:
    """Four pictures with a table of labels beside their folder."""

    def build(make: Any, root: Path) -> Path:
        make.folder(root / "train", *(f"000{n}.png" for n in range(4)))
        write(root / name, [{"file_name": f"000{n}.png", "label": value} for n, value in enumerate(values)])
        return root / "train"

    return build


def folders_in_tars(*names: str, side: str = "") -> Callable[..., Path]:
    """Tars of `cats/` and `dogs/`, as `tar cf data.tar cats dogs` writes them."""

    def build(make: Any, root: Path) -> Path:
        for number, name in enumerate(names):
            inside = [f"{kind}/{number}{n}" for kind in ("cats", "dogs") for n in (1, 2)]
            make.tar(root / name, **{f"{key}__png": make.picture(hash_of(key)) for key in inside})
        return root / names[0] if len(names) == 1 else root

    return build


def hash_of(text: str) -> int:
    return sum(map(ord, text)) * 1000 + len(text)


def tar_of_tars(make: Any, root: Path) -> Path:
    inner = {}
    for kind in ("cats", "dogs"):
        held = {f"{kind}{n}__png": make.picture(hash_of(f"{kind}{n}")) for n in (1, 2)}
        inner[f"{kind}__tar"] = make.tar(root.parent / f"{kind}.tar", **held).read_bytes()
    return Path(make.tar(root / "all.tar", **inner))


def beside_gzip(make: Any, root: Path) -> Path:
    shard = make.tar(root / "0.tar", **{"1__png": make.picture(1), "1__cls": b"0"})
    make.put(root / "1.tar.gz", gzip.compress(shard.read_bytes()))
    return root


def braces(make: Any, root: Path) -> Path:
    for n in (0, 1):
        make.tar(root / f"shards-{n}.tar", **{f"{n}__png": make.picture(n), f"{n}__cls": KINDS[n].encode()})
    return root / "shards-{0..1}.tar"


def both(make: Any, root: Path) -> Path:
    parquet("0.parquet", label=list(KINDS))(make, root)
    make.tar(root / "0.tar", **{"1__png": make.picture(99), "1__cls": b"0"})
    return root / "0.*"


def twelve_bits(make: Any, root: Path) -> Path:
    """A grey picture and one in colour, which Pillow does not write."""
    tones = np.arange(0, 4096, 64, dtype=np.uint16).reshape(8, 8)
    tones[7, 7] = 4095
    sink = io.BytesIO()
    Image.fromarray(tones).save(sink, "TIFF")
    make.put(root / "cat" / "2.tif", sink.getvalue())
    rows = b"".join(b"\0" + row.tobytes() for row in np.repeat(tones.astype(">u2")[:, :, None], 3, 2))
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    ]
    make.put(root / "dog" / "1.png", b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return root


LISTS = [[0, 1], [1], [0], [0]]
ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`1.png` `2.tif` of 16 bits a channel, grey or colour, that use 12": (
        twelve_bits,
        {"n": 2, "classes": {"cat": 1, "dog": 1}},
    ),
    '`labels.jsonl`: `{"file_name": "0001.png", "label": "cat"}`': (
        labelled("labels.jsonl", list(KINDS)),
        {"words": ["--labels", "{root}/labels.jsonl"], "n": 4, "classes": TWO},
    ),
    '`labels.csv` with lists: `"[0, 1]"`': (
        labelled("labels.csv", LISTS),
        {"words": ["--labels", "{root}/labels.csv"], "refused": "column label of .* holds lists"},
    ),
    "`metadata.jsonl`, `.csv` or `.parquet` with lists in `label` or `labels`": (
        described("metadata.jsonl", *({"label": value} for value in LISTS)),
        {"n": 4, "classes": {}},
    ),
    "`metadata.csv` with `fine_label` and `coarse_label`": (
        described("metadata.csv", *({"fine_label": kind, "coarse_label": 0} for kind in KINDS)),
        {"n": 4, "classes": TWO},
    ),
    "`metadata.csv` with `species`, pictures in no folders": (
        described("metadata.csv", *({"species": kind} for kind in KINDS)),
        {"n": 4, "classes": {}},
    ),
    "shards with `fine_label` and `coarse_label` in `.json`": (
        shards(*({"coarse_label": 0, "fine_label": kind} for kind in KINDS)),
        {"n": 4, "classes": TWO},
    ),
    "shards with `cls_id` in `.json`, or `category_id`, `coarse_label` …": (
        shards(*({"cls_id": n % 2} for n in range(4))),
        {"n": 4, "classes": {"0": 2, "1": 2}},
    ),
    "shards with `species` in `.json`": (
        shards(*({"width": 8, "species": kind} for kind in KINDS)),
        {"n": 4, "classes": {}},
    ),
    "the same with `--label-field json.species`": (
        shards(*({"width": 8, "species": kind} for kind in KINDS)),
        {"words": ["--label-field", "json.species"], "n": 4, "classes": TWO},
    ),
    "parquet with `category_id` only, or `cls_id`, `coarse_label` …": (
        parquet("train.parquet", category_id=[0, 1, 0, 1]),
        {"n": 4, "classes": {"0": 2, "1": 2}, "split": "train"},
    ),
    "parquet with `species`": (
        parquet("train.parquet", id=[1, 2, 3, 4], species=list(KINDS)),
        {"n": 4, "classes": {}, "split": "train"},
    ),
    "`data/train-*.parquet`, a pattern": (
        parquet("train-0.parquet", "train-1.parquet", "x.parquet", read="train-*.parquet", label=list(KINDS)),
        {"n": 8, "classes": {"cat": 4, "dog": 4}, "split": "train"},
    ),
    "`shards-{0..1}.tar`, a pattern": (braces, {"n": 2, "classes": {"cat": 1, "dog": 1}}),
    "a pattern of `.tar` and of `.parquet` files": (
        both,
        {
            "refused": "names .tar and .parquet files",
            "then": {"words": ["--as", "huggingface"], "n": 4, "classes": TWO, "split": "train"},
        },
    ),
    "`0.tar` beside `1.tar.gz`": (
        beside_gzip,
        {"n": 1, "classes": {"0": 1}, "passed_over": {".tar.gz": 1}},
    ),
    "`pets.tar` of class folders": (
        folders_in_tars("pets.tar"),
        {
            "refused": "is a folder of images in a tar, no shard",
            "then": {"words": ["--no-labels"], "n": 4, "classes": {}},
        },
    ),
    "`train-0.tar` `train-1.tar`, parts of class folders": (
        folders_in_tars("train-0.tar", "train-1.tar"),
        {
            "refused": "is a folder of images in a tar, no shard",
            "then": {"words": ["--no-labels"], "n": 8, "classes": {}},
        },
    ),
    "a tar of tars, one a class": (tar_of_tars, {"refused": "is a tar of tars"}),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])


@pytest.mark.parametrize(
    "build", [folders_in_tars("pets.tar"), folders_in_tars("a-0.tar", "a-1.tar"), tar_of_tars]
)
def test_the_line_that_unpacks_a_tar_leads_to_its_classes(
    build: Callable[..., Path], make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    said = prune("embed", str(build(make, tmp_path / "my data")), *EMBED, "--store", tmp_path / "s")
    line, then = said.err.split("try:", 1)[1].strip().split("# then: ")
    subprocess.run(["/bin/sh", "-c", line], check=True)
    place = then.split(";")[0].strip().removeprefix("prune embed ").strip("'")
    read = prune("embed", place, *EMBED, "--store", tmp_path / "s", "--json")
    assert read.code == 0, read.err
    assert json.loads(read.out)["dataset"]["classes"] == 2


SAID_DEEP = "2 pictures of 16 bits use 12: 4,095 is white in all of them"


def test_colours_of_twelve_bits_are_as_bright_as_grey(
    make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    root = twelve_bits(make, tmp_path / "data")
    told = prune("embed", str(root), *EMBED, "--store", tmp_path / "s")
    assert SAID_DEEP in " ".join(told.err.split())
    grey, colour = np.asarray(Store(tmp_path / "s").column("embedding.pixels"))
    np.testing.assert_allclose(grey, colour, atol=1e-6)


SAID: dict[str, tuple[Callable[..., Path], str]] = {
    "shards": (
        shards(*({"id": n, "about": {"breed": kind}} for n, kind in enumerate(KINDS))),
        "no field of .json is called like a label; there are about.breed: --label-field json.about.breed",
    ),
    "another field": (
        shards(*({"fine_label": n, "coarse_label": kind} for n, kind in enumerate(KINDS))),
        "labels are those of the field fine_label of .json; for others: --label-field json.coarse_label",
    ),
    "parquet": (
        parquet("0.parquet", caption=["a b"] * 4, species=list(KINDS)),
        "no column is called like a label; there are species: --label-field species",
    ),
    "metadata": (
        described("metadata.csv", *({"species": kind, "width": 9} for kind in KINDS)),
        "no column of metadata.csv is called like a label; there are species: "
        "--labels {root}/metadata.csv --label-field species",
    ),
    "metadata as JSON": (
        described(
            "metadata.jsonl", *({"fine_label": n // 2, "coarse_label": k} for n, k in enumerate(KINDS))
        ),
        "labels are those of column fine_label of metadata.jsonl; for others: "
        "--labels {root}/metadata.jsonl --label-field coarse_label",
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_is_said_of_other_fields_finds_them(
    case: str, make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    build, expected = SAID[case]
    root = tmp_path / "data"
    told = prune("embed", str(build(make, root)), *EMBED, "--store", tmp_path / "s")
    assert expected.format(root=root) in " ".join(told.err.split())
    words = expected.format(root=root).partition(": --")[2].split()
    read = prune("embed", str(root), f"--{words[0]}", *words[1:], *EMBED, "--store", tmp_path / "t", "--json")
    assert json.loads(read.out)["dataset"]["classes"] == 2


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv", "metadata.parquet"])
@pytest.mark.parametrize("column", ["label", "labels", "category"])
def test_lists_in_metadata_are_said_to_be_no_classes(
    name: str, column: str, make: Any, tmp_path: Path, prune: Callable[..., Any]
) -> None:
    root = described(name, *({column: value} for value in LISTS))(make, tmp_path / "data")
    told = prune("embed", str(root), *EMBED, "--store", tmp_path / "s")
    assert f"no class labels of {name}: in column {column}, label" in told.err
    assert "is a list" in told.err
