"""A store as arrays and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import prune
from prune.core.errors import StoreError
from prune.store import Store


@pytest.fixture
def store(images: Path, elsewhere: Path) -> Store:
    """Forty samples with two scores and two selections."""
    store = Store("s")
    prune.embed(store, str(images), encoder="pixels")
    keys = store.dataset.keys
    Path("mine.csv").write_text(
        "key,mine,other\n" + "".join(f"{k},{i / 7},{-i}\n" for i, k in enumerate(keys))
    )
    prune.score(store, imports="mine.csv", high="hard")
    prune.select(store, method="top", score="mine", count=4, name="hardest")
    prune.select(store, method="kcenter", count=9)
    return store


def test_scores_are_arrays_by_name(store: Store) -> None:
    found = store.scores()
    assert list(found) == ["mine", "other"]
    assert found["mine"].dtype == np.float32
    np.testing.assert_allclose(found["mine"], np.arange(40) / 7, rtol=1e-6)
    np.testing.assert_array_equal(found["other"], -np.arange(40))


def test_a_selection_is_aligned_arrays(store: Store) -> None:
    hardest = store.selection("hardest")
    assert hardest.rows.tolist() == [36, 37, 38, 39]
    assert hardest.ranks.tolist() == [3, 2, 1, 0]
    assert hardest.keys.tolist() == [store.dataset.keys[row] for row in hardest.rows]
    assert hardest.weights.tolist() == [1.0] * 4
    assert hardest.about["method"] == "top"
    assert len(hardest) == 4
    assert store.selection().name == "kcenter"
    with pytest.raises(StoreError, match="nothing"):
        store.selection("nothing")


def test_weights_of_a_method_that_gives_them(store: Store) -> None:
    prune.select(store, method="kcenter", count=5, reweight="cluster", name="heavy")
    heavy = store.selection("heavy")
    assert heavy.weights.sum() == pytest.approx(40)
    assert heavy.weights.max() > 1


def test_the_table_has_a_row_a_sample(store: Store) -> None:
    table = store.table()
    assert table.column_names == [
        *("row", "key", "label", "label_name", "reason"),
        *("score.mine", "score.other", "selection.hardest", "selection.kcenter"),
    ]
    assert table["key"].to_pylist() == store.dataset.keys
    assert table["label_name"].to_pylist()[:2] == ["left", "left"]
    assert np.flatnonzero(table["selection.hardest"].to_numpy()).tolist() == [36, 37, 38, 39]
    assert table["selection.kcenter"].to_numpy().sum() == 9


def test_a_column_is_an_array(store: Store) -> None:
    column = store.column("embedding.pixels")
    values = np.asarray(column)
    np.testing.assert_array_equal(values, column.read())
    assert values.dtype == np.float16
    assert np.asarray(column, np.float64).dtype == np.float64
    assert not values.flags.writeable
    assert np.array(column).flags.writeable
    assert np.asarray(column, copy=False).shape == column.shape
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(column, np.float64, copy=False)


def test_a_column_of_several_parts_is_one_array(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    with store.writing():
        writer = store.write_column("score.x", {"method": "x"}, rows=10, part_rows=4)
        for part in writer.missing():
            writer.put(part, np.arange(part.start, part.stop, dtype=np.float32))
        column = writer.finish()
    assert np.asarray(column).tolist() == list(range(10))
    assert np.array(column, copy=True).tolist() == list(range(10))
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(column, copy=False)


def test_an_empty_store_says_what_to_type(tmp_path: Path) -> None:
    for ask in (lambda s: s.table(), lambda s: s.scores(), lambda s: s.selection()):
        with pytest.raises(StoreError, match="there is no store") as caught:
            ask(Store(tmp_path / "none"))
        assert caught.value.hint.startswith("prune score")
