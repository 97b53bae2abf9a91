"""Training on samples in a bucket without a copy: the same samples as of the same data here."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

import prune
from prune.core.errors import StoreError
from prune.loaders import dataset, stream, webdataset

PICTURE = b"\xff\xd8\xff\xe0\0\x10JFIF\0"


def write(folder: Path, shards: int = 3) -> Path:
    folder.mkdir()
    for shard in range(shards):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for row in range(8 * shard, 8 * shard + 8):
                for name, data in (
                    (f"{row:02d}.jpg", PICTURE + bytes([row]) * 900),
                    (f"{row:02d}.cls", b"%d" % (row % 2)),
                ):
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
    return folder


def chosen(place: Path, data: str) -> prune.Store:
    from prune.steps.dataset_session import opened
    from prune.steps.settings import Settings

    store = prune.Store(place)
    with opened(store, data, Settings()) as ready:
        store.publish(dataset=ready.fingerprint)
    prune.select(store, method="random", count=9)
    return store


@pytest.fixture
def stores(bucket: str, outside: Any, tmp_path: Path) -> tuple[prune.Store, prune.Store]:
    """A store of the data here, and one of the same in a bucket."""
    here = write(tmp_path / "data")
    outside.put(str(here), f"{bucket}/data", recursive=True)
    return chosen(tmp_path / "here", str(here)), chosen(tmp_path / "there", f"{bucket}/data")


def test_every_loader_has_the_samples_of_the_bucket(
    stores: tuple[prune.Store, prune.Store], bucket: str
) -> None:
    here, there = stores
    plain = list(dataset(here, decode=False, keys=True))
    assert list(dataset(there, decode=False, keys=True)) == plain
    assert list(stream(there, decode=False, keys=True)) == plain
    loader = DataLoader(dataset(there, decode=False, keys=True), 2, collate_fn=list, num_workers=2)
    assert [sample for batch in loader for sample in batch] == plain
    assert bucket in repr(dataset(there))


def test_mappings_bear_the_address_of_their_shard(
    stores: tuple[prune.Store, prune.Store], bucket: str
) -> None:
    here, there = stores
    mine, theirs = list(webdataset(here)), list(webdataset(there))
    assert len(theirs) == 9
    for own, other in zip(mine, theirs, strict=True):
        assert other["__url__"] == f"{bucket}/data/{Path(own['__url__']).name}"
        assert {name: own[name] for name in other if name != "__url__"} == {
            name: data for name, data in other.items() if name != "__url__"
        }
        assert "__local_path__" not in other


def test_an_object_that_changed_is_refused(
    stores: tuple[prune.Store, prune.Store], bucket: str, outside: Any, tmp_path: Path
) -> None:
    there = stores[1]
    write(tmp_path / "other", shards=1)
    (tmp_path / "other" / "0.tar").write_bytes((tmp_path / "other" / "0.tar").read_bytes() + bytes(10240))
    outside.put(str(tmp_path / "other" / "0.tar"), f"{bucket}/data/0.tar")
    with pytest.raises(StoreError, match="stale") as caught:
        list(webdataset(there))
    assert caught.value.hint
