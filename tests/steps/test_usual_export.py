"""The format that an export is advised in: what a reader of the dataset's own form reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Prune = Callable[..., Any]


def test_texts_of_a_table_are_exported_as_one(elsewhere: Path, prune: Prune) -> None:
    rows = {"text": [f"line {row} of some words" for row in range(20)], "label": ["a", "b"] * 10}
    pq.write_table(pa.table(rows), "texts.parquet")
    assert prune("embed", "texts.parquet", "--store", "of/.prune").code == 0
    said = prune("select", "--method", "random", "--count", 5, "--store", "of/.prune")
    assert "next: prune export --store of/.prune --format parquet" in said.out
    assert prune("export", "--store", "of/.prune", "--format", "parquet", "--out", "kept").code == 0
    assert 'format = "parquet"' in prune("status", "--store", "of/.prune", "--recipe").out


def test_images_are_exported_as_shards(images: Path, elsewhere: Path, prune: Prune) -> None:
    assert prune("embed", "--encoder", "pixels", "--workers", 0, images).code == 0
    said = prune("select", "--method", "random", "--count", 5)
    assert "next: prune export --format webdataset" in said.out
