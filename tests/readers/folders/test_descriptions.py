"""A store that lies in the data, under a name that can be seen, is none of the data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import prune as library
from prune.store import Store

TEXTS = [f"text number {number} of some" for number in range(8)]


@pytest.mark.parametrize("form", ["parquet", "txt"])
def test_a_store_in_the_folder_of_its_data_is_passed_over(form: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if form == "txt":
        (data / "lines.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    else:
        pq.write_table(pa.table({"text": TEXTS}), data / "train.parquet")
    store = tmp_path / "store"
    library.embed(store, str(data))
    library.select(store, method="random", count=3)
    shutil.copytree(store, data / "kept")  # as when both are copied from another machine
    library.embed(store, str(data))
    library.export(store, format=form, out=tmp_path / "out")
    assert len(Store(store).dataset) == 8
