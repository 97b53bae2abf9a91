"""A store that an earlier prune wrote is read as it was written; see tests/data/make_golden.py."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from prune import pipeline
from prune.store import Store, read_selection

DATA = Path(__file__).parent.parent / "data"
GOLDEN = json.loads((DATA / "store-v1.json").read_text())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    shutil.copytree(DATA / "store-v1", tmp_path / "store")
    shutil.copytree(DATA / "images", tmp_path / "images")
    return Store(tmp_path / "store")


def test_the_dataset_is_what_it_was(store: Store) -> None:
    assert store.state["format"] == 1
    assert store.state["dataset"] == GOLDEN["fingerprint"] == store.dataset.fingerprint
    assert store.dataset.keys == GOLDEN["keys"]


@pytest.mark.parametrize("name", GOLDEN["columns"])
def test_every_column_is_what_it_was(store: Store, name: str) -> None:
    array = store.column(name).read()
    head = f"{array.shape}{array.dtype.str}".encode()
    assert hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest() == GOLDEN["columns"][name]


def test_the_selection_is_what_it_was(store: Store) -> None:
    assert read_selection(store).rows.tolist() == GOLDEN["kept"]


def test_todays_scan_of_the_same_images_has_the_same_fingerprint(store: Store, tmp_path: Path) -> None:
    pipeline.embed(tmp_path / "new", str(tmp_path / "images"), encoder="pixels")
    assert Store(tmp_path / "new").state["dataset"] == GOLDEN["fingerprint"]


def test_the_selection_is_made_again_from_the_old_columns(store: Store, tmp_path: Path) -> None:
    pipeline.select(store, method="kcenter", fraction="0.5", on="pixels", name="again")
    assert read_selection(store, "again").rows.tolist() == GOLDEN["kept"]


def test_the_old_selection_is_exported_without_the_columns_that_it_lacks(
    store: Store, tmp_path: Path
) -> None:
    pipeline.embed(store, str(tmp_path / "images"), encoder="pixels")  # where the images lie now
    old = read_selection(store).manifest
    assert "duplicate_of_key" not in old.column_names
    done = pipeline.export(store, format="imagefolder", out=tmp_path / "out")
    assert done["samples"] == len(GOLDEN["kept"])
    again = pipeline.export(store, format="manifest", out=tmp_path / "record", fraction="0.1")
    assert again["samples"] == 1
