"""Captions beside images: a sample has its own on request, in any order, by any loader of samples."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

import prune
from prune.core.errors import OptionError, StoreError
from prune.loaders import dataset, stream, webdataset

N = 9
SAID = [f"picture {row}" if row != 4 else "" for row in range(N)]  # one has none


def png(shade: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), shade, np.uint8)).save(sink, "png")
    return sink.getvalue()


def shards(folder: Path) -> str:
    """Captions as a member in one shard, in JSON in the other."""
    folder.mkdir()
    for part, rows in enumerate((range(5), range(5, N))):
        with tarfile.open(folder / f"{part}.tar", "w") as tar:
            for row in rows:
                members = {"png": png(row), "cls": b"%d" % (row % 2)}
                if part:
                    members["json"] = json.dumps({"caption": SAID[row], "width": 4}).encode()
                elif SAID[row]:
                    members["txt"] = SAID[row].encode()
                for extension, data in members.items():
                    info = tarfile.TarInfo(f"{row:02d}.{extension}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return str(folder)


def parquet(folder: Path) -> str:
    folder.mkdir()
    columns = {
        "image": [{"bytes": png(row), "path": None} for row in range(N)],
        "label": [row % 2 for row in range(N)],
        "caption": SAID,
    }
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.Value("int64"), "caption": datasets.Value("string")}
    )
    made = datasets.Dataset.from_dict(columns, features=features)
    made.to_parquet(folder / "train-00000-of-00001.parquet", batch_size=4)
    return str(folder)


@pytest.fixture(scope="module", params=[shards, parquet])
def store(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    chosen: Callable[..., prune.Store],
) -> prune.Store:
    return chosen(request.param(tmp_path_factory.mktemp("captions") / "data"), count=6)


def shade(picture: Image.Image) -> int:
    return int(np.asarray(picture)[0, 0, 0])


def test_a_caption_follows_its_image_in_any_order(store: prune.Store) -> None:
    found = dataset(store, captions=True, weights=True, keys=True, transform=shade)
    copied = pickle.loads(pickle.dumps(found))  # noqa: S301 - our own object
    order = [5, 0, 0, 3, 1]
    for one in (found, copied):
        for x, caption, y, weight, key in one.__getitems__(order):
            assert (caption, y, weight) == (SAID[x], x % 2, 1.0)
            assert key == store.dataset.keys[x]
    assert [len(sample) for sample in dataset(store)] == [2] * 6  # nobody gets what was not asked for


@pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*multi-threaded")
def test_a_stream_has_them_in_workers(store: prune.Store) -> None:
    source = stream(store, captions=True, shuffle=True, transform=shade, everything=True)
    seen = [sample for batch in DataLoader(source, 2, collate_fn=list, num_workers=2) for sample in batch]
    assert sorted(seen) == [(row, SAID[row], row % 2) for row in range(N)]


def test_samples_of_shards_have_a_member_of_it_also_where_it_lies_in_json(
    tmp_path: Path, chosen: Callable[..., prune.Store]
) -> None:
    store = chosen(shards(tmp_path / "data"), count=N)
    found = list(webdataset(store, captions=True).decode("rgb8").to_tuple("png", "txt"))
    assert [(int(picture[0, 0, 0]), text) for picture, text in found] == list(enumerate(SAID))
    assert ["txt" in sample for sample in webdataset(store)] == [
        bool(text) and row < 5 for row, text in enumerate(SAID)
    ]


def test_where_there_are_none_it_says_so(tmp_path: Path, chosen: Callable[..., prune.Store]) -> None:
    (tmp_path / "data.txt").write_text("one\ntwo\nthree\n")
    texts = chosen(str(tmp_path / "data.txt"), count=2)
    for loader in (dataset, stream):
        with pytest.raises(OptionError, match="captions=True, and the samples of .* have none") as caught:
            loader(texts, captions=True)
        assert caught.value.hint


def test_captions_of_a_file_that_changed_are_refused(
    tmp_path: Path, chosen: Callable[..., prune.Store]
) -> None:
    store = chosen(parquet(tmp_path / "data"), count=3)
    found: Any = dataset(store, captions=True)
    file = tmp_path / "data" / "train-00000-of-00001.parquet"
    datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path)).select(range(5)).to_parquet(file)
    with pytest.raises(StoreError, match="stale"):
        list(found)
