"""What is selected does not depend on whether the embedding is in memory, or read from the disk in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import prune
from prune.core.column_name import ColumnName
from prune.index import search, space
from prune.steps import space_columns
from prune.steps.settings import Settings
from prune.store import Store, identity
from prune.store.column import Column
from prune.system import rows_on_disk

N, D = 1500, 6
SETTINGS = Settings(memory=2**28, device="cpu")

METHODS: dict[str, dict[str, Any]] = {
    "kcenter": {"method": "kcenter", "count": 40},
    "class by class": {"method": "kcenter", "count": 40, "quota": "equal"},
    "semdedup": {"method": "semdedup", "options": {"clusters": 7}},
    "least redundant": {"method": "semdedup", "count": 300, "options": {"clusters": 7}},
    "graph": {
        "method": "facility_location",
        "count": 40,
        "options": {"mode": "sparse", "neighbours": 8},
    },
    "in parts": {"method": "facility_location", "count": 40, "options": {"mode": "partitioned"}},
    "kmeans": {"method": "kmeans", "count": 40, "options": {"metric": "euclidean"}},
    "herding": {"method": "herding", "count": 40},
    "graph_cut": {"method": "graph_cut", "count": 40},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose embedding has 12 parts, with near copies, equal samples and classes."""
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(0)
    values = rng.standard_normal((20, D))[rng.integers(0, 20, N)] + 0.3 * rng.standard_normal((N, D))
    values[::9] = values[1::9][: len(values[::9])] + 0.001
    values[700:705] = values[3]
    values = values.astype(np.float16)
    np.save(folder / "x.npy", values)
    np.save(folder / "y.npy", rng.integers(0, 3, N))
    prune.embed(
        folder / "store", str(folder / "x.npy"), settings=Settings(reading={"labels": str(folder / "y.npy")})
    )
    store, name, recipe = Store(folder / "store"), ColumnName.embedding("parts"), {"made": "here"}
    with store.writing():
        writer = store.write_column(name, recipe, rows=N, part_rows=128)
        for part in writer.parts:
            writer.put(part, values[part.start : part.stop])
        writer.finish()
        store.publish(columns={name: identity(recipe)})
    return folder / "store"


def _chosen(store: Path, **asked: Any) -> dict[str, bytes]:
    prune.select(store, name="chosen", on="parts", settings=SETTINGS, **asked)
    folder = store / "selections/chosen"
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "selection.json"}
    Store(store).publish(selections={"chosen": "other"})  # the next is chosen anew
    return found


@pytest.mark.parametrize("asked", METHODS.values(), ids=METHODS)
def test_the_same_bytes_from_the_disk(
    made: Path, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(search.AFFORDABLE, "cpu", 0)  # neighbours from lists
    held = _chosen(made, **asked)
    monkeypatch.setattr(space_columns, "HELD", 2**40)
    monkeypatch.setattr(space, "HELD", 2**40)
    monkeypatch.setattr(rows_on_disk, "_BUCKET", 2**10)
    monkeypatch.setattr(Column, "read", None)  # the whole of it is not read
    assert _chosen(made, **asked) == held


def test_a_damaged_part_is_found_before_anything_is_chosen_by_it(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(space_columns, "HELD", 2**40)
    column = Store(made).column("embedding.parts")
    part = column.folder / sorted(name for name in column.files if name.startswith("part-00003"))[0]
    whole = part.read_bytes()
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(prune.errors.PruneError, match="part-00003.* is damaged"):
            prune.select(made, method="kcenter", count=5, on="parts", settings=SETTINGS)
    finally:
        part.write_bytes(whole)
