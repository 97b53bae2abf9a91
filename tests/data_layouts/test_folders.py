"""Rows of docs/data.md about folders of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TWO = {"cat": 2, "dog": 2}
PETS = ("cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png")


def of(*names: str) -> Callable[..., Path]:
    """A builder of a folder of pictures (and of texts)."""
    return lambda make, root: make.folder(root, *names)


def below(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}" for name in names)


def linked(make: Any, root: Path) -> Path:
    full = make.folder(root.parent / "full", *PETS)
    root.mkdir()
    for name in ("cat", "dog"):
        (root / name).symlink_to(full / name)
    (full / "dog" / "again").symlink_to(".")
    return root


def empty(make: Any, root: Path) -> Path:
    (make.folder(root, *PETS) / "bird").mkdir()
    return root


def odd_names(make: Any, root: Path) -> Path:
    make.folder(root, *PETS)
    make.put(root / "cat" / "5", make.picture(5))
    make.put(root / "cat" / "6.jpg?w=300", make.picture(6, "JPEG"))
    make.put(root / "cat" / "7.avif", make.picture(7, "AVIF"))
    make.put(root / "cat" / "8.jp2", make.picture(8, "JPEG2000"))
    make.put(root / "cat" / "9.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    make.put(root / "cat" / "LICENSE", b"BM and P1 are words, too")
    return root


ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`cat/1.png` `dog/2.png`": (of(*PETS), {"n": 4, "classes": TWO}),
    "`cat/young/1.png`": (of("cat/young/1.png", "dog/2.png"), {"n": 2, "classes": {"cat": 1, "dog": 1}}),
    "an empty folder beside `cat/` `dog/`": (
        empty,
        {"n": 4, "classes": TWO, "passed_over": {"folder without images": 1}},
    ),
    "only `1.heic`": (
        lambda make, root: make.put(root / "cat" / "1.heic", b"\0\0\0\x18ftypheic" + bytes(99)).parents[1],
        {"refused": r"no images in .* that prune reads, but 1 \.heic"},
    ),
    "`1.png` `2.png`, no folders": (of("1.png", "2.png"), {"n": 2, "classes": {}}),
    "`cat/…` `dog/…` with `--no-labels`": (of(*PETS), {"words": ["--no-labels"], "n": 4, "classes": {}}),
    "`cat/a.png` `cat/A.png`": (of("cat/a.png", "cat/A.png"), {"n": 2, "classes": {"cat": 2}}),
    "class folders that are links": (
        linked,
        {"n": 4, "classes": TWO, "passed_over": {"link to a folder that it lies in": 1}},
    ),
    "`5` `6.jpg?w=300` `7.avif` `8.jp2` `9.heic`": (
        odd_names,
        {
            "n": 8,
            "classes": {"cat": 6, "dog": 2},
            "passed_over": {".heic (no format that prune reads)": 1, "without a suffix": 1},
        },
    ),
    "`train/cat/…` `val/cat/…`": (
        of(*below("train", *PETS), "val/cat/1.png"),
        {
            "refused": "holds splits, not classes",
            "then": {"words": ["--split", "train"], "n": 4, "classes": TWO, "split": "train"},
        },
    ),
    "`Training/` `Test Images/`, beside `docs/` `__MACOSX/` and a picture": (
        of(*below("Training", *PETS), "Test Images/cat/1.png", "docs/a.png", "__MACOSX/a.txt", "logo.png"),
        {
            "refused": "holds splits, not classes: Test Images, Training",
            "then": {"words": ["--split", "Training"], "n": 4, "classes": TWO, "split": "Training"},
        },
    ),
    "the same with `--split train`": (
        of(*below("Training", *PETS), "Test Images/cat/1.png"),
        {"words": ["--split", "train"], "n": 4, "classes": TWO, "split": "Training"},
    ),
    "`train/` and other vehicles": (
        of("train/1.png", "car/1.png", "bus/1.png"),
        {"n": 3, "classes": {"bus": 1, "car": 1, "train": 1}},
    ),
    "`train/` `test/` as classes": (
        of("train/1.png", "test/1.png"),
        {
            "refused": "holds splits",
            "then": {"words": ["--as", "imagefolder"], "n": 2, "classes": {"test": 1, "train": 1}},
        },
    ),
    "COCO: `train2017/` `val2017/` `annotations/`": (
        of("train2017/1.png", "train2017/2.png", "val2017/1.png", "annotations/a.json"),
        {
            "refused": "holds splits, not classes: train2017, val2017",
            "then": {"words": ["--split", "train2017"], "n": 2, "classes": {}, "split": "train2017"},
        },
    ),
    "VOC: `JPEGImages/` `SegmentationClass/` `Annotations/`": (
        of("JPEGImages/1.png", "JPEGImages/2.png", "SegmentationClass/1.png", "Annotations/1.xml"),
        {
            "n": 2,
            "classes": {},
            "passed_over": {
                "folder Annotations/ (annotations, not samples)": 1,
                "folder SegmentationClass/ (annotations, not samples)": 1,
            },
        },
    ),
    "YOLO: `train/images/` `train/labels/` `valid/…`": (
        of("train/images/1.png", "train/labels/1.txt", "valid/images/2.png", "valid/labels/2.txt"),
        {
            "refused": "holds splits, not classes: train, valid",
            "then": {"words": ["--split", "train"], "n": 1, "classes": {}, "split": "train"},
        },
    ),
    "YOLO: `images/train/` `labels/train/`": (
        of("images/train/1.png", "images/val/2.png", "labels/train/1.txt"),
        {
            "refused": "holds splits, not classes: train, val",
            "then": {
                "words": ["--split", "train"],
                "n": 1,
                "classes": {},
                "split": "train",
                "passed_over": {"folder labels/ (annotations, not samples)": 1},
            },
        },
    ),
    "CUB: `images/001.cat/…` `parts/` `attributes/`": (
        of("images/001.cat/1.png", "images/002.dog/2.png", "parts/a.txt", "attributes/a.txt"),
        {"n": 2, "classes": {"001.cat": 1, "002.dog": 1}},
    ),
    "`cat/` `dog/` `images/`": (
        of("cat/1.png", "dog/2.png", "images/3.png"),
        {
            "refused": "holds folders of pictures, no classes",
            "then": {"words": ["--as", "imagefolder"], "n": 3, "classes": {"cat": 1, "dog": 1, "images": 1}},
        },
    ),
    "`cat/images/` `cat/masks/` `dog/…`": (
        of("cat/images/1.png", "cat/masks/1.png", "dog/images/2.png", "dog/masks/2.png"),
        {
            "n": 2,
            "classes": {"cat": 1, "dog": 1},
            "passed_over": {"folder masks/ (annotations, not samples)": 2},
        },
    ),
    "`hats/` `masks/` as classes": (
        of("hats/1.png", "masks/1.png", "gloves/1.png"),
        {"n": 3, "classes": {"gloves": 1, "hats": 1, "masks": 1}},
    ),
    "`food-101/apple/…`, one folder too high": (
        of(*below("food-101", *PETS)),
        {"refused": "is one folder too high", "then": {"data": "{root}/food-101", "n": 4, "classes": TWO}},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])
