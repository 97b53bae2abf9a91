"""Rows of docs/data.md about splits of shards and tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


def shards(*names: str) -> Callable[..., Path]:
    """A builder of shards of two samples each."""

    def build(make: Any, root: Path) -> Path:
        for number, name in enumerate(names):
            pair = {
                f"{2 * number + i}__{kind}": data for i in (0, 1) for kind, data in _pair(make, number, i)
            }
            make.tar(root / name, **pair)
        return root

    return build


def _pair(make: Any, number: int, i: int) -> tuple[tuple[str, bytes], ...]:
    return ("png", make.picture(2 * number + i)), ("cls", b"%d" % i)


def parquet(*names: str) -> Callable[..., Path]:
    """A builder of parquet files of two rows each."""

    def build(make: Any, root: Path) -> Path:
        root.mkdir()
        for number, name in enumerate(names):
            images = [{"bytes": make.picture(10 * number + i), "path": f"{number}-{i}.png"} for i in (0, 1)]
            pq.write_table(pa.table({"image": images, "label": [0, 1]}), root / name)
        return root

    return build


PAIR = {"0": 1, "1": 1}
ROWS: dict[str, tuple[Callable[..., Path], dict[str, Any]]] = {
    "`training_000.tar` `dev_000.tar`": (
        shards("training_000.tar", "dev_000.tar"),
        {
            "refused": "shards of several splits: dev, training",
            "then": {"words": ["--split", "training"], "n": 2, "classes": PAIR, "split": "training"},
        },
    ),
    "`train2017-0.tar` `val2017-0.tar` with `--split validation`": (
        shards("train2017-0.tar", "val2017-0.tar"),
        {"words": ["--split", "validation"], "n": 2, "classes": PAIR, "split": "validation"},
    ),
    "`my-train-test-0.tar` `my-train-test-1.tar`": (
        shards("my-train-test-0.tar", "my-train-test-1.tar"),
        {"n": 4, "classes": {"0": 2, "1": 2}},
    ),
    "`shards/*.tar` with `--no-labels`": (
        shards("0.tar"),
        {"words": ["--no-labels"], "n": 2, "classes": {}},
    ),
    "`Training.parquet` `eval.parquet`": (
        parquet("Training.parquet", "eval.parquet"),
        {"n": 2, "classes": PAIR, "split": "train"},
    ),
    "`train.parquet` `dev.parquet` with `--split val`": (
        parquet("train.parquet", "dev.parquet"),
        {"words": ["--split", "val"], "n": 2, "classes": PAIR, "split": "validation"},
    ),
    "`train.parquet` with `--no-labels`": (
        parquet("train.parquet"),
        {"words": ["--no-labels"], "n": 2, "classes": {}, "split": "train"},
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str, tried: Callable[..., None]) -> None:
    tried(*ROWS[row])
