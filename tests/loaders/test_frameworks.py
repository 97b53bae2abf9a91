"""Kept samples as the datasets of other libraries: `datasets` and torchvision."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import ImageFolder

import prune
from prune.core.errors import OptionError, StoreError
from prune.loaders import dataset, huggingface, imagefolder
from prune.loaders.without_library import NoLibraryError, require_library

N = 40
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*multi-threaded")


def rows() -> datasets.Dataset:
    def png(number: int) -> bytes:
        sink = io.BytesIO()
        Image.fromarray(np.full((4, 3, 3), number, np.uint8)).save(sink, "png")
        return sink.getvalue()

    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog", "eel"]),
            "caption": datasets.Value("string"),
        }
    )
    columns = {
        "image": [{"bytes": png(row), "path": f"{row}.png"} for row in range(N)],
        "label": [row % 3 for row in range(N)],
        "caption": [f"picture {row}" for row in range(N)],
    }
    return datasets.Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, chosen: Callable[..., prune.Store]) -> prune.Store:
    """A dataset of `save_to_disk`, in three files, of which 13 rows are kept."""
    place = tmp_path_factory.mktemp("saved") / "data"
    rows().save_to_disk(place, num_shards=3)
    return chosen(str(place), count=13)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory, chosen: Callable[..., prune.Store]) -> prune.Store:
    """The same as parquet, in two files of small row groups."""
    place = tmp_path_factory.mktemp("parquet") / "data"
    place.mkdir()
    for part in range(2):
        half = rows().select(range(20 * part, 20 * part + 20))
        half.to_parquet(place / f"train-{part:05d}-of-00002.parquet", batch_size=7)
    return chosen(str(place), count=13)


def captions(store: prune.Store) -> list[str]:
    return [f"picture {row}" for row in store.selection().rows]


def test_a_saved_dataset_is_selected_from_without_a_copy(saved: prune.Store) -> None:
    found = huggingface(saved)
    assert isinstance(found, datasets.Dataset)
    assert found["caption"][:] == captions(saved)
    assert found.features == rows().features
    assert len(found.cache_files) == 3  # mapped where they lie
    assert np.asarray(found[0]["image"])[0, 0, 0] == saved.selection().rows[0]


@pytest.mark.parametrize("name", ["saved", "parquet"])
def test_a_stream_has_the_kept_rows_with_all_columns(name: str, request: pytest.FixtureRequest) -> None:
    store = request.getfixturevalue(name)
    found = huggingface(store, streaming=True)
    assert isinstance(found, datasets.IterableDataset)
    seen = list(found)
    assert [row["caption"] for row in seen] == captions(store)
    assert [int(np.asarray(row["image"])[0, 0, 0]) for row in seen] == store.selection().rows.tolist()
    assert [row["label"] for row in seen] == [row % 3 for row in store.selection().rows]


@pytest.mark.parametrize("name", ["saved", "parquet"])
def test_weights_are_one_more_column(name: str, request: pytest.FixtureRequest) -> None:
    store = request.getfixturevalue(name)
    found = huggingface(store, weights=True)
    assert [(row["caption"], row["weight"]) for row in found] == [(text, 1.0) for text in captions(store)]


@pytest.mark.parametrize("workers", [0, 2])
def test_pieces_are_dealt_to_workers_and_nodes(
    workers: int, parquet: prune.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prune.loaders.hf_dataset._PIECE", 2)
    from datasets.distributed import split_dataset_by_node

    seen: list[str] = []
    for rank in range(2):
        own = split_dataset_by_node(huggingface(parquet).select_columns("caption"), rank, 2)
        loader = DataLoader(own, batch_size=None, num_workers=workers)
        seen += [row["caption"] for row in loader]
    assert sorted(seen) == sorted(captions(parquet))


def test_a_stream_goes_on_from_a_state(parquet: prune.Store) -> None:
    found = huggingface(parquet)
    going = iter(found)
    had = [next(going)["caption"] for _ in range(5)]
    again = huggingface(parquet)
    again.load_state_dict(found.state_dict())
    assert had + [row["caption"] for row in again] == captions(parquet)


def test_parquet_is_not_copied_to_be_selected_from(parquet: prune.Store) -> None:
    with pytest.raises(OptionError, match="of parquet, which the library copies") as caught:
        huggingface(parquet, streaming=False)
    assert "streaming=True" in caught.value.hint


def test_a_file_that_changed_is_refused(tmp_path: Path, chosen: Callable[..., prune.Store]) -> None:
    (tmp_path / "data").mkdir()
    place = tmp_path / "data" / "train-00000-of-00001.parquet"
    rows().to_parquet(place)
    store = chosen(str(tmp_path / "data"), count=5)
    found = huggingface(store)
    rows().select(range(30)).to_parquet(place)
    with pytest.raises(StoreError, match="stale: train-00000-of-00001.parquet changed"):
        list(found)
    with pytest.raises(StoreError, match="stale"):
        huggingface(store)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, chosen: Callable[..., prune.Store]) -> prune.Store:
    """Three class folders, one of them without a kept picture, and one that holds none at all."""
    root = tmp_path_factory.mktemp("folder") / "data"
    for row in range(12):
        place = root / ("ape", "bee", "cow")[row % 3] / f"{row:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 3, 3), row, np.uint8)).save(place)
    store = chosen(str(root), count=12)
    (root / "ant").mkdir()  # torchvision would count it as the first class
    kept = [key for key in store.dataset.keys if not key.startswith("ape")]
    (root.parent / "keys.txt").write_text("\n".join(kept[:5]))
    prune.select(store, method="random", count=5, given=str(root.parent / "keys.txt"), name="few")
    return store


def test_class_ids_are_those_of_the_whole_folder(folder: prune.Store) -> None:
    found = imagefolder(folder, "random")
    assert isinstance(found, Subset)
    assert isinstance(found.dataset, ImageFolder)
    assert found.dataset.class_to_idx == {"ape": 0, "bee": 1, "cow": 2}
    assert len(found.dataset) == 12
    own = dataset(folder, "random")
    assert [y for _, y in found] == own.labels.tolist()
    assert all(
        np.array_equal(np.asarray(x), np.asarray(z)) for (x, _), (z, _) in zip(found, own, strict=True)
    )


def test_weights_come_last_and_transforms_are_applied(folder: prune.Store) -> None:
    found = imagefolder(folder, count=4, weights=True, transform=lambda x: x.size, target_transform=str)
    assert len(found) == 4
    assert found[0] == ((3, 4), str(dataset(folder, count=4)[0][1]), 1.0)
    batch = next(iter(DataLoader(found, batch_size=4, collate_fn=list)))
    assert [weight for *_, weight in batch] == [1.0] * 4


def test_what_is_no_class_folder_is_refused(saved: prune.Store, folder: prune.Store) -> None:
    with pytest.raises(OptionError, match="not of class folders"):
        imagefolder(saved)
    with pytest.raises(OptionError, match="not of the Hugging Face library"):
        huggingface(folder)


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(NoLibraryError, match=r"prune.loaders.huggingface needs datasets") as caught:
        require_library("datasets")
    assert caught.value.hint == 'pip install "dataset-prune[loaders]"'
    assert isinstance(caught.value, ImportError)
