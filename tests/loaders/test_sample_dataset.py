"""The map-style dataset: the kept samples of every format, in any order, with any number of workers."""

from __future__ import annotations

import os
import pickle
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import prune
from prune.core.errors import DataError, OptionError, StoreError
from prune.loaders import SampleDataset, SelectionSampler, WeightedRow, dataset


@pytest.fixture(scope="module")
def stores(
    tmp_path_factory: pytest.TempPathFactory,
    contract: types.ModuleType,
    chosen: Callable[..., prune.Store],
) -> dict[str, prune.Store]:
    """A store with a selection of five samples, of each format; beside it the dataset, `data`."""
    return {
        name: chosen(maker(tmp_path_factory.mktemp(name) / "data")) for name, maker in contract.MAKERS.items()
    }


def test_the_kept_samples_come_with_the_labels_and_keys_of_the_whole_dataset(
    form: str, stores: dict[str, prune.Store], contract: types.ModuleType
) -> None:
    store = stores[form]
    known, kept = store.dataset, store.selection()
    found = dataset(store, keys=True, weights=True)
    assert found.rows.tolist() == kept.rows.tolist()
    assert found.classes == known.classes
    assert len(found) == len(kept) == 5
    for (x, y, weight, key), row in zip(found, kept.rows, strict=True):
        assert key == known.keys[row]
        assert y == known.labels[row] == contract.LABELS[_source(contract, x)]
        assert weight == 1.0


def _source(contract: types.ModuleType, x: Any) -> int:
    return contract.source_of(x if isinstance(x, str) else np.asarray(x))


def test_any_order_and_repeats_are_read_and_a_pickled_copy_reads_alike(
    form: str, stores: dict[str, prune.Store], contract: types.ModuleType
) -> None:
    found = dataset(stores[form])
    every = [_source(contract, x) for x, _ in found]
    assert len(set(every)) == 5
    order = [4, 0, 0, -1, 2]
    copied = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own object
    for one in (found, copied):
        assert [_source(contract, x) for x, _ in one.__getitems__(order)] == [every[place] for place in order]


def test_everything_is_read_row_by_row(
    form: str, stores: dict[str, prune.Store], contract: types.ModuleType
) -> None:
    found = dataset(stores[form], everything=True)
    assert found.rows.tolist() == list(range(9))
    assert sorted(_source(contract, x) for x, _ in found) == list(range(9))


@pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*multi-threaded")
@pytest.mark.parametrize(("context", "workers"), [("fork", 0), ("fork", 2), ("fork", 4), ("spawn", 2)])
def test_workers_see_every_kept_sample_once(
    workers: int, context: str, stores: dict[str, prune.Store]
) -> None:
    found = dataset(stores["webdataset"], decode=False, keys=True)
    _ = found[0]  # files are open in this process when workers are made
    how = {"multiprocessing_context": context, "num_workers": workers} if workers else {}
    loader = DataLoader(found, batch_size=2, collate_fn=list, **how)
    seen = [key for batch in loader for _, _, key in batch]
    assert seen == found.keys


def test_a_sample_is_what_decode_and_transform_make_of_it(stores: dict[str, prune.Store]) -> None:
    store = stores["imagefolder"]
    assert isinstance(dataset(store)[0][0], Image.Image)
    assert dataset(store, decode=False)[0][0].startswith(b"\x89PNG")
    assert dataset(store, decode=len, transform=str)[0][0].isdigit()
    tensors = dataset(store, transform=lambda picture: torch.tensor(np.asarray(picture)))
    x, y = next(iter(DataLoader(tensors, batch_size=5)))
    assert x.shape == (5, 6, 5, 3)
    assert y.tolist() == tensors.labels.tolist()


def test_features_are_rows_of_numbers(tmp_path: Path, chosen: Callable[..., prune.Store]) -> None:
    (tmp_path / "data").mkdir()
    values = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    np.save(tmp_path / "data" / "x.npy", values)
    found = dataset(chosen(str(tmp_path / "data" / "x.npy")), keys=True)
    for (x, y, key), row in zip(found, found.rows, strict=True):
        assert np.array_equal(x, values[row])
        assert (y, key) == (-1, str(row))


def test_a_selection_has_smaller_ones_inside(
    tmp_path: Path, contract: types.ModuleType, chosen: Callable[..., prune.Store]
) -> None:
    store = chosen(contract.imagefolder(tmp_path / "data"), count=6, name="most")
    taken = store.selection("most")
    first = np.sort(taken.rows[np.argsort(taken.ranks)[:3]]).tolist()
    assert dataset(store, "most", count=3).rows.tolist() == first
    assert dataset(store, "most", fraction="0.33").rows.tolist() == first
    with pytest.raises(OptionError, match="--count 7 asks for 7 samples, but most has 6"):
        dataset(store, "most", count=7)
    with pytest.raises(OptionError, match="--count must be at least 1, not 0"):
        dataset(store, "most", count=0)
    with pytest.raises(OptionError, match="a fraction or a count"):
        dataset(store, "most", count=3, fraction=0.3)
    with pytest.raises(OptionError, match="everything=True and a selection"):
        dataset(store, "most", everything=True)


def test_weights_of_a_selection_come_along(tmp_path: Path, chosen: Callable[..., prune.Store]) -> None:
    (tmp_path / "data").mkdir()
    values = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    np.save(tmp_path / "data" / "x.npy", values)
    np.save(tmp_path / "data" / "x_labels.npy", np.arange(60) % 2)
    place = str(tmp_path / "data" / "x.npy")
    store = prune.Store(tmp_path / "store")
    prune.embed(store, place, features=place)
    prune.select(store, method="kmeans", count=8, reweight="cluster")
    kept = store.selection()
    assert len(set(kept.weights.tolist())) > 1
    found = dataset(store, weights=True)
    assert [weight for _, _, weight in found] == kept.weights.tolist()
    assert found.weights.tolist() == kept.weights.tolist()


def test_a_sampler_names_rows_of_everything_and_hands_its_weights(stores: dict[str, prune.Store]) -> None:
    store = stores["webdataset"]
    sampler = SelectionSampler(store, seed=1)
    whole = dataset(store, everything=True, decode=False, weights=True, keys=True)
    found = [sample for batch in DataLoader(whole, 2, sampler=sampler, collate_fn=list) for sample in batch]
    assert sorted(key for *_, key in found) == sorted(store.selection().keys.tolist())
    assert {weight for _, _, weight, _ in found} == {1.0}
    _, _, weight, key = whole[WeightedRow(3, 2.5)]
    assert (weight, key) == (2.5, whole.keys[3])


def test_an_exported_manifest_and_the_dataset_are_enough(
    tmp_path: Path,
    contract: types.ModuleType,
    chosen: Callable[..., prune.Store],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = contract.webdataset(tmp_path / "data")
    store = chosen(data)
    prune.export(store, format="manifest", out=tmp_path / "manifest")
    monkeypatch.chdir(tmp_path / "manifest")
    assert len(dataset(".", data=data)) == len(store.selection())
    found = dataset(tmp_path / "manifest", data=data, keys=True)
    assert [key for *_, key in found] == store.selection().keys.tolist()
    with pytest.raises(OptionError, match="not where they lie") as caught:
        dataset(tmp_path / "manifest")
    assert "data='DATA'" in caught.value.hint
    with pytest.raises(OptionError, match="holds the selection 'random', not 'other'"):
        dataset(tmp_path / "manifest", "other", data=data)
    with pytest.raises(OptionError, match="knows where its data is"):
        dataset(store, data=data)
    (Path(data) / "2.tar").unlink()
    with pytest.raises(StoreError, match="is not the dataset that 'random' was chosen from"):
        dataset(tmp_path / "manifest", data=data)


def test_a_source_that_changed_is_refused_when_it_is_opened_and_while_it_is_read(
    form: str, tmp_path: Path, contract: types.ModuleType, chosen: Callable[..., prune.Store]
) -> None:
    store = chosen(contract.MAKERS[form](tmp_path / "data"), count=9)
    found = dataset(store)
    assert len(list(found)) == 9
    sources = sorted(
        path for path in (tmp_path / "data").rglob("*") if path.is_file() and "labels" not in path.name
    )
    whole = sources[0].read_bytes()
    sources[0].write_bytes(whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :])
    with pytest.raises(StoreError, match="stale"):
        list(found)
    with pytest.raises(StoreError, match="stale") as caught:
        dataset(store)
    assert caught.value.hint
    sources[0].write_bytes(whole)
    assert len(list(found)) == 9  # by content: the same bytes are the same samples
    os.utime(sources[0], ns=(1, 1))
    assert len(list(dataset(store))) == 9


def test_samples_of_many_files_lie_in_one_piece(tmp_path: Path, chosen: Callable[..., prune.Store]) -> None:
    (tmp_path / "data").mkdir()
    for part in range(6):
        (tmp_path / "data" / f"{part}.txt").write_text("one\ntwo\n")
    found = dataset(chosen(str(tmp_path / "data")), everything=True)
    assert found.samples.kept.samples["key"].num_chunks == 1  # else a batch goes through the pieces of all
    assert len(list(found)) == 12


def test_a_file_that_is_gone_is_named(
    tmp_path: Path, contract: types.ModuleType, chosen: Callable[..., prune.Store]
) -> None:
    found = dataset(chosen(contract.imagefolder(tmp_path / "data"), count=9))
    key = found.keys[3]
    (tmp_path / "data" / key).unlink()
    with pytest.raises(DataError, match=f"{key} cannot be read"):
        found[3]


def test_a_sample_that_was_rejected_is_not_read(tmp_path: Path, contract: types.ModuleType) -> None:
    data = contract.imagefolder(tmp_path / "data")
    (Path(data) / "c0" / "empty.png").touch()
    prune.embed(
        tmp_path / "store", data, encoder="pixels", settings=prune.Settings(on_error="skip", max_bad=0.5)
    )
    found = dataset(tmp_path / "store", everything=True)
    place = found.keys.index("c0/empty.png")
    with pytest.raises(DataError, match=r"c0/empty.png was rejected when the dataset was read: .*empty"):
        found[place]
    usable = found.samples.kept.usable.tolist()
    assert len(found.__getitems__(usable)) == 9


def test_positions_beyond_the_end_and_names_are_refused(stores: dict[str, prune.Store]) -> None:
    found = dataset(stores["arrays"])
    for beyond in (5, -6):
        with pytest.raises(IndexError, match="there are 5 samples"):
            found[beyond]
    with pytest.raises(OptionError, match="by its position, not by 'c0/0.png'"):
        found["c0/0.png"]  # type: ignore[index]
    assert found[np.int64(1)][1] == found[torch.tensor(1)][1]
    assert "5 samples of 3 classes" in repr(found)
    assert isinstance(found, SampleDataset)
    assert found.class_to_idx == {"0": 0, "1": 1, "2": 2}


def test_a_store_without_a_selection_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store") as caught:
        dataset(tmp_path / "none")
    assert caught.value.hint
