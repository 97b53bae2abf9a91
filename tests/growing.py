"""Datasets that grow: the same samples in every format, by number, and what becomes of them."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

Files = dict[str, list[int]]  # name without suffix -> numbers of samples; a number is a content
BASE: Files = {"s1": [0, 1, 2, 3, 4], "s2": [5, 6, 7, 8, 9], "s3": [10, 11, 12, 13, 14]}
EDITS: dict[str, tuple[Files, int]] = {  # what becomes of it, and how many samples have to be read
    "added": ({**BASE, "s4": [20, 21, 22]}, 3),
    "added before the others": ({"s0": [20, 21], **BASE}, 2),
    "removed": ({"s2": BASE["s2"], "s3": BASE["s3"]}, 0),
    "renamed": ({"s1": BASE["s1"], "s3": BASE["s3"], "s9": BASE["s2"]}, 0),
    "changed": ({**BASE, "s2": [5, 6, 50, 8, 9]}, 1),
    "reordered": ({"s1": BASE["s3"], "s2": BASE["s2"], "s3": BASE["s1"]}, 0),
    "duplicated": ({**BASE, "s4": [0, 0, 7, 23]}, 1),
    "all at once": ({"s1": [1, 0, 2, 60, 4], "s3": BASE["s3"], "s8": [5, 6, 30, 30]}, 3),
}
IMAGES, TEXTS = ("imagefolder", "webdataset", "parquet", "arrays"), ("jsonl", "csv", "txt")


def png(number: int) -> bytes:
    sink = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def text(number: int) -> str:
    words = ("red", "green", "blue", "house", "tree", "river", "stone", "bird")
    return (
        " ".join(words[(number * 7 + place * (number % 5 + 1)) % 8] for place in range(6)) + f" no {number}"
    )


def folder_of(root: Path, name: str, numbers: list[int]) -> None:
    for place, number in enumerate(numbers):
        path = root / f"class{number % 2}" / f"{name}-{place}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(number))


def tar_of(root: Path, name: str, numbers: list[int]) -> None:
    with tarfile.open(root / f"{name}.tar", "w") as tar:
        for place, number in enumerate(numbers):
            for suffix, data in (("png", png(number)), ("cls", b"%d" % (number % 2))):
                info = tarfile.TarInfo(f"{name}-{place}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def parquet_of(root: Path, name: str, numbers: list[int]) -> None:
    images = [{"bytes": png(number), "path": None} for number in numbers]
    table = pa.table({"image": images, "label": [number % 2 for number in numbers]})
    pq.write_table(table, root / f"{name}.parquet")


def lines_of(form: Callable[[int], str], head: str, suffix: str) -> Callable[[Path, str, list[int]], None]:
    def write_lines(root: Path, name: str, numbers: list[int]) -> None:
        (root / f"{name}.{suffix}").write_text(head + "".join(f"{form(number)}\n" for number in numbers))

    return write_lines


WRITERS = {
    "imagefolder": folder_of,
    "webdataset": tar_of,
    "parquet": parquet_of,
    "jsonl": lines_of(lambda n: json.dumps({"text": text(n), "label": n % 2}), "", "jsonl"),
    "csv": lines_of(lambda n: f"{text(n)},{n % 2}", "text,label\n", "csv"),
    "txt": lines_of(text, "", "txt"),
}


def write(kind: str, root: Path, files: Files) -> str:
    """Write a dataset anew; return what DATA is."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    if kind != "arrays":
        for name, numbers in files.items():
            WRITERS[kind](root, name, numbers)
        return str(root)
    numbers = [number for name in files for number in files[name]]
    pixels = [np.asarray(Image.open(io.BytesIO(png(number)))) for number in numbers]
    np.save(root / "x.npy", np.stack(pixels))
    np.save(root / "y.npy", np.array([number % 2 for number in numbers]))
    return str(root / "x.npy")
