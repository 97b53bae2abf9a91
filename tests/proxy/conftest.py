"""Small datasets that are in a store already, with their pixels cached."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_digits

from prune.core.arrays import Array
from prune.store import SAMPLES, Column, Dataset, Store

Made = tuple[Store, Dataset, Column]


def describe(labels: list[int | None], bad: dict[int, str]) -> Dataset:
    n = len(labels)
    columns = {name: [None] * n for name in SAMPLES.names}
    columns |= {"key": [f"{i:05d}" for i in range(n)], "label": labels}
    columns["reason"] = [bad.get(i) for i in range(n)]
    known = {label for label in labels if label is not None}
    classes = [str(i) for i in range(max(known, default=-1) + 1)]
    return Dataset("imagefolder", None, classes, {}, pa.table(columns, schema=SAMPLES))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Made]:
    """Put values and labels into a store; `bad` and `rejects` are {row: reason}."""

    def make(
        values: Array,
        labels: list[int | None],
        *,
        bad: dict[int, str] | None = None,
        rejects: dict[int, str] | None = None,
        name: str = "store",
        part_rows: int = 65_536,
    ) -> Made:
        store, dataset = Store(tmp_path / name), describe(labels, bad or {})
        column = "images.test" if values.ndim == 4 else "embedding.test"
        writer = store.write_column(column, {"test": "values"}, rows=len(values), part_rows=part_rows)
        for part in writer.missing():
            here = {r: why for r, why in (rejects or {}).items() if part.start <= r < part.stop}
            writer.put(part, values[part.start : part.stop], here)
        return store, dataset, writer.finish()

    return make


@pytest.fixture(scope="session")
def digits() -> tuple[Array, list[int | None]]:
    """(1797, 3, 16, 16) uint8 images and their labels."""
    bunch = load_digits()
    grey = (bunch.images * 15.9).astype(np.uint8).repeat(2, 1).repeat(2, 2)
    return np.repeat(grey[:, None], 3, axis=1), bunch.target.tolist()
